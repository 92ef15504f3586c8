/** A handler as a listener of Node.js's own servers. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { map, Observable } from 'rxjs';
import { OptionError } from '../errors.js';
import { HandlerRun } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { IncomingRequest } from '../rx/request.js';
import { kindOf } from '../rx/response.js';
import { AllowedMethods } from '../routing/allowed-methods.js';
import { routedRequest } from '../routing/routed-request.js';
import { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { StopOptions } from '../server/run-server.js';
import { type InteropOptions, interopFrom } from './interop-options.js';
import { isEncrypted } from './is-encrypted.js';
import { NodeExchange, type NodeRequest, type NodeResponse } from './node-exchange.js';
import { UpgradeServer } from './upgrade-server.js';

/** What `http.createServer`, `https`, `http2`, Express and Fastify take. */
export interface NodeListener {
  /** @param next - Called where the handler's result is empty; without it that is a 404. */
  (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void): void;
  /** For `server.on('upgrade', listener.upgrade)`: without it no request becomes a WebSocket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Closes the WebSockets with 1001, as `server.stop` does, and answers further upgrades with 503; the rest is the other server's. */
  readonly stop: (options?: StopOptions) => Promise<void>;
}

/**
 * Mounts a handler in a server of another make. The handler runs as in ours: one reply for each request, backpressure in both
 * directions, unsubscribed when the client leaves, cut where it fails behind its head. `request.uri` is what the other server
 * says it is: in Express the path behind the mount point.
 *
 * Timeouts and limits on heads are the other server's; the body is limited by `maxBody` (8 MiB), what waits for a slow client by
 * `maxBufferedBytes`. Whoever has parsed the body before has used it up (`RHK_BODY_USED`).
 *
 * @throws {@link OptionError} for a handler that is none, and for wrong options.
 * @example `createServer(toNodeListener(handler)).listen(8090)`
 */
export const toNodeListener = (handler: Handler, options?: InteropOptions): NodeListener => {
  if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
  const interop = interopFrom(options);
  const room = new WaitingRoom(interop.limits.queueSize);
  const servers = new Map<'http' | 'https', UpgradeServer>();
  let isStopped = false;
  const listener = (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void): void => {
    const exchange = new NodeExchange(request, response, interop);
    const run = new HandlerRun(new IncomingRequest(exchange), room, { onRunEnd: () => {} });
    run.start(next === undefined ? handler : passingOn(handler, exchange, next));
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (isStopped) {
      socket.on('error', () => {}); // whoever has left needs no answer
      socket.end(UNAVAILABLE);
      return;
    }
    const scheme = isEncrypted(socket) ? 'https' : 'http';
    let server = servers.get(scheme);
    if (server === undefined) servers.set(scheme, (server = new UpgradeServer(handler, interop, scheme)));
    server.accept(request, socket, head);
  };
  const stop = async (stopOptions?: StopOptions): Promise<void> => {
    isStopped = true;
    await Promise.all(Array.from(servers.values(), (server) => server.stop(stopOptions)));
  };
  return Object.assign(listener, { upgrade, stop });
};

const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** An empty result is somebody else's request; so is one that `routes` know by another method, as a routes around them would say. */
const passingOn =
  (handler: Handler, exchange: NodeExchange, next: () => void): Handler =>
  (requests$) =>
    new Observable((replies) => {
      let isEmpty = true;
      const inside$ = requests$.pipe(map((request) => routedRequest(request, {}, request.uri, new AllowedMethods())));
      return handler(inside$).subscribe({
        next: (reply) => {
          isEmpty = false;
          replies.next(reply);
        },
        error: (error: unknown) => replies.error(error),
        complete: () => {
          if (!isEmpty) return replies.complete();
          exchange.leave();
          next();
        },
      });
    });
