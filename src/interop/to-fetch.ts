/** A handler as a function from a Request to a Response. */
import { OptionError } from '../errors.js';
import { HandlerRun } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { IncomingRequest } from '../rx/request.js';
import { kindOf } from '../rx/response.js';
import { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { Peer } from '../transport/contracts.js';
import { FetchExchange } from './fetch-exchange.js';
import { type InteropOptions, interopFrom } from './interop-options.js';

/** What a Request does not tell. */
export interface FetchPeer {
  /** The address, or what `Deno.serve` gives with it. */
  readonly remoteAddr?: string | { readonly hostname?: string | undefined; readonly port?: number | undefined } | undefined;
  readonly remotePort?: number | undefined;
}

/**
 * A handler for tests, and for servers that speak the Fetch standard: `Bun.serve`, `Deno.serve`, edges.
 *
 * The response has come when the head of the reply is decided; its body streams with backpressure. Aborting the request's signal,
 * or cancelling the response's body, unsubscribes the handler. There are no WebSockets.
 *
 * @returns Resolves with a response, for errors too (500 …); rejects when the request was aborted before there was one.
 * @throws {@link OptionError} for a handler that is none, and for wrong options.
 * @example `const response = await toFetch(handler)(new Request('http://test/hello'))`
 */
export const toFetch = (handler: Handler, options?: InteropOptions): ((request: Request, peer?: FetchPeer) => Promise<Response>) => {
  if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
  const interop = interopFrom(options);
  const room = new WaitingRoom(interop.limits.queueSize);
  return (request, peer) =>
    new Promise((resolve, reject) => {
      const exchange = new FetchExchange(request, peerFrom(peer), interop, resolve, reject);
      new HandlerRun(new IncomingRequest(exchange), room, { onRunEnd: () => {} }).start(handler);
    });
};

/** Other servers give other things as a second argument: what is no address is none. */
const peerFrom = (peer: FetchPeer | undefined): Peer => {
  const { remoteAddr, remotePort } = Object(peer) as FetchPeer; // asked, not assumed
  const [address, port] = typeof remoteAddr === 'object' ? [remoteAddr?.hostname, remoteAddr?.port] : [remoteAddr, remotePort];
  return {
    remoteAddr: typeof address === 'string' ? address : '',
    remotePort: typeof port === 'number' ? port : undefined,
    localAddr: '',
    localPort: undefined,
  };
};
