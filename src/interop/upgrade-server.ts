/** Our own engine over the sockets that another server has upgraded: WebSockets, and the refusal of them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { map } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import { extend } from '../rx/request.js';
import { type Server, startServer, type StopOptions } from '../server/run-server.js';
import type { Acceptor, AcceptorListener } from '../transport/contracts.js';
import { systemClock } from '../transport/system-clock.js';
import type { CheckedInterop } from './interop-options.js';
import { isEncrypted } from './is-encrypted.js';

/** The most that these options can be. */
const ANY_LINE = 1_048_576;
const ANY_HEADERS = 65_536;
const ANY_HEAD = 16_777_216;

export class UpgradeServer implements Acceptor {
  private readonly server: Server;
  private listener: AcceptorListener | undefined;

  constructor(handler: Handler, interop: CheckedInterop, scheme: 'http' | 'https') {
    const served: Handler =
      scheme === 'http' ? handler : (requests$) => handler(requests$.pipe(map((request) => extend(request, { scheme }))));
    // the head has passed the other server's limits; what is refused goes back to nobody
    const options = { ...interop.limits, maxLine: ANY_LINE, maxHeaders: ANY_HEADERS, maxHeadBytes: ANY_HEAD, maxRequestsPerConnection: 1 };
    let server: Server | undefined;
    startServer(served, options, { acceptor: this, clock: systemClock }, (started) => (server = started), ignore);
    this.server = server as unknown as Server; // `open` says at once that it listens
    this.server.events$.subscribe((event) => interop.emit(event));
  }

  /** The request goes back into the socket, so that our parser reads it as if it had come here. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const stream = socket as Socket; // as Node.js documents it for an http.Server that is not told otherwise
    if (isEncrypted(stream)) stream.resetAndDestroy = () => stream.destroy(); // TLS has no reset
    if (head.length > 0) stream.unshift(head);
    stream.unshift(octetsOf(request));
    this.listener?.onConnection(stream);
  }

  stop(options?: StopOptions): Promise<void> {
    return this.server.stop(options);
  }

  open(listener: AcceptorListener): void {
    this.listener = listener;
    listener.onListening({ ip: undefined, port: undefined, path: undefined });
  }

  close(): void {
    this.listener?.onClosed();
  }
}

const ignore = (): void => {};

const octetsOf = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer => {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
};
