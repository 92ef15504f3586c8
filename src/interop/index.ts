export { type NodeListener, toNodeListener } from './to-node-listener.js';
export type { NodeRequest, NodeResponse } from './node-exchange.js';
export type { InteropOptions } from './interop-options.js';
export { type FetchPeer, toFetch } from './to-fetch.js';
export { type FetchApplication, type FetchClient, fromFetch } from './from-fetch.js';
export { fromNodeListener, type NodeApplication } from './from-node-listener.js';
