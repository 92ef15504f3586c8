/** An exchange of Node.js's own servers: http, https, http2, and what is built on them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { HandlerError } from '../errors.js';
import type { Peer } from '../transport/contracts.js';
import { systemClock } from '../transport/system-clock.js';
import { ForeignExchange, type ForeignReply, type Piece } from './foreign-exchange.js';
import { fieldsOf, ForeignHead } from './foreign-head.js';
import type { CheckedInterop } from './interop-options.js';
import { isEncrypted } from './is-encrypted.js';
import { NodeBody, pairsOf } from './node-body.js';

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** NGHTTP2_INTERNAL_ERROR, RFC 9113 §7: the stream alone is broken off. */
const INTERNAL_ERROR = 2;

export class NodeExchange extends ForeignExchange {
  private readonly response: NodeResponse;
  private readonly interop: CheckedInterop;
  /** Too much is still coming for another request to follow. */
  private closes: boolean;
  /** The end of a reply without a length is the connection's, RFC 9112 §6.3(8). */
  private endsWithConnection: boolean;
  private willFlush: boolean;

  /** Is settled from the beginning where the client has gone, or the response been sent, while others were at work. */
  constructor(request: NodeRequest, response: NodeResponse, interop: CheckedInterop) {
    const head = headFrom(request);
    const peer = peerOf(request);
    const hasBody = isHttp2(request)
      ? !request.stream.endAfterHeaders
      : head.contentLength > 0 || request.headers['transfer-encoding'] !== undefined;
    const body = hasBody ? new NodeBody(request, head.contentLength, interop.limits.maxBody, () => (this.closes = true)) : null;
    super(head, peer, body, interop.limits.maxBufferedBytes);
    this.response = response;
    this.interop = interop;
    this.closes = false;
    this.endsWithConnection = false;
    this.willFlush = false;
    response.on('drain', () => this.onDrain?.());
    response.on('error', () => {}); // `close` follows, and says all that matters: the client has gone
    response.on('close', () => this.onGone());
    if ('stream' in response) {
      response.stream.on('aborted', () => {
        if (this.isSettled) return;
        this.onGone();
        response.stream.destroy(); // one that was given up without an error would stay open, with all that waits in it
      });
    }
    if (response.headersSent || response.writableEnded) this.tellSent();
    else if (hasClosed(response)) this.onGone(); // it will not be told again
  }

  report(error: unknown): void {
    this.interop.report(error, this.peer, this.head);
  }

  protected sendWhole(reply: ForeignReply, body: Piece | null): void {
    if (this.response.headersSent) return this.tellSent();
    this.writeHead(reply);
    if (body === null) this.response.end();
    else this.response.end(body);
  }

  protected openStream(reply: ForeignReply): void {
    if (this.response.headersSent) return this.tellSent();
    this.writeHead(reply);
    this.endsWithConnection = reply.contentLength === undefined && this.head.protocol === 'HTTP/1.0';
    (this.response as ServerResponse).flushHeaders(); // both have it, one does not say so
  }

  protected put(piece: Piece): boolean {
    if ('flush' in this.response) this.flushAtEndOfTurn();
    return (this.response as ServerResponse).write(piece); // both have it, with other overloads
  }

  protected closeStream(): void {
    this.response.end();
  }

  protected breakStream(): void {
    const { response } = this;
    if ('stream' in response) return response.stream.close(INTERNAL_ERROR);
    const { socket } = response;
    const canReset = socket !== null && socket.remoteAddress !== undefined && !isEncrypted(socket); // neither a Unix socket nor TLS can
    if (this.endsWithConnection && canReset)
      socket.resetAndDestroy(); // a FIN would look like the end
    else response.destroy();
  }

  protected get waiting(): number {
    return 'stream' in this.response ? this.response.stream.writableLength : this.response.writableLength;
  }

  /** Somebody else has answered: before this handler, or instead of it as it took too long. */
  private tellSent(): void {
    this.report(new HandlerError('RHK_HANDLER_FAILED', 'the response has been sent already, by somebody else than this handler'));
    this.leave();
  }

  /** Middleware that compresses waits for more to compress, and has a `flush` for those who cannot. */
  private flushAtEndOfTurn(): void {
    if (this.willFlush) return;
    this.willFlush = true;
    systemClock.endOfTurn(() => {
      this.willFlush = false;
      const { flush } = this.response as { flush?: unknown }; // added by that middleware
      if (!this.isSettled && typeof flush === 'function') flush.call(this.response);
    });
  }

  /** What middleware before us has set stays, unless the handler says otherwise. */
  private writeHead({ status, lines, contentLength, asksClose }: ForeignReply): void {
    const { response } = this;
    const isHttp2Reply = 'stream' in response;
    const fields = new Map<string, string[]>();
    for (const [name, value] of lines) {
      const list = fields.get(name.toLowerCase());
      if (list === undefined) fields.set(name.toLowerCase(), [value]);
      else list.push(value);
    }
    response.statusCode = status;
    for (const [name, values] of fields) {
      if (isHttp2Reply && name === 'upgrade') continue; // RFC 9113 §8.2.2
      response.setHeader(name, values.length === 1 ? values[0] : values);
    }
    if (contentLength === undefined) response.removeHeader('content-length');
    else response.setHeader('content-length', contentLength);
    if (isHttp2Reply) return;
    if (fields.has('upgrade')) response.setHeader('connection', this.closes || asksClose ? 'upgrade, close' : 'upgrade');
    else if (this.closes || asksClose) response.setHeader('connection', 'close');
  }
}

const isHttp2 = (request: NodeRequest): request is Http2ServerRequest => request.httpVersionMajor === 2;

/** Of HTTP/2 the stream tells. */
const hasClosed = (response: NodeResponse): boolean => ('stream' in response ? response.stream.destroyed : response.destroyed);

const headFrom = (request: NodeRequest): ForeignHead => {
  const headers = fieldsOf(pairsOf(request.rawHeaders));
  if (isHttp2(request) && request.authority) headers['host'] ??= request.authority; // RFC 9113 §8.3.1
  return new ForeignHead({
    method: request.method ?? 'GET',
    target: pathOf(request.url ?? '/'),
    protocol: `HTTP/${request.httpVersion}`,
    scheme: isEncrypted(request.socket) ? 'https' : 'http',
    headers,
  });
};

/** A target in absolute form, RFC 9112 §3.2.2, without its authority. */
const pathOf = (target: string): string => {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/.exec(target);
  if (authority === null) return target;
  const path = target.slice(authority[0].length);
  return path.startsWith('/') ? path : `/${path}`;
};

const peerOf = ({ socket }: NodeRequest): Peer => ({
  remoteAddr: socket.remoteAddress ?? '',
  remotePort: socket.remotePort,
  localAddr: socket.localAddress ?? '',
  localPort: socket.localPort,
});
