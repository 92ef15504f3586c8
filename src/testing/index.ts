export { type Expectation, type MarbleHelpers, type MarbleOptions, marbles, type Network } from './marbles.js';
export { MarbleError } from './assert-frames.js';
export type { ClientScript, ClosedBy, ReceivedReply, VirtualClient } from './virtual-client.js';
export type { VirtualServer, VirtualServerOptions } from './virtual-server.js';
export type { ReplyHead } from './reply-reader.js';
export { binary, closing, get, head, ping, pong, post, type Sendable, sent, type SentFields, text, upgrade } from './sendable.js';
