/** Requests without a client. */
import { isObservable, type Observable, type Subscription } from 'rxjs';
import { HandlerError, HttpKitError, OptionError } from '../errors.js';
import type { Fields, RequestHead } from '../protocol/request-head.js';
import { RequestParser } from '../protocol/request-parser.js';
import { knownOptions } from '../rx/number-option.js';
import { type HttpRequest, IncomingRequest } from '../rx/request.js';
import { DEFAULTS } from '../server/options.js';
import type { BodyPort, BodySink, ExchangePort, FramePort, Peer, Settlement } from '../transport/contracts.js';
import { sent } from './sendable.js';

/** What a request is made of; all have defaults. */
export interface RequestParts {
  /** Default `GET`. */
  readonly method?: string | undefined;
  /** Path and query, percent-encoded: `/notes?page=2`. Default `/`. */
  readonly uri?: string | undefined;
  /** `host: test` and `content-length` are added where they are not among them. */
  readonly headers?: Readonly<Record<string, string | number | undefined>> | undefined;
  /** An Observable makes a chunked body, whose pieces come as it emits. */
  readonly body?: string | Uint8Array | Observable<string | Uint8Array> | undefined;
  /** Default `192.0.2.1`. */
  readonly remoteAddr?: string | undefined;
}

/**
 * A request as a handler sees it: the real thing, out of the real parser.
 *
 * @throws {@link ProtocolError} for what no client may send.
 * @example `handler(of(request({ uri: '/notes', method: 'POST', body: 'text' })))`
 */
export const request = (parts: RequestParts | string = {}): HttpRequest => {
  const checked = partsFrom(parts);
  return new IncomingRequest(new LooseExchange(checked, headFrom(checked)));
};

/** A path alone is a GET. */
export const partsFrom = (parts: RequestParts | string): RequestParts => {
  if (typeof parts === 'string') return { uri: parts };
  knownOptions(parts, NAMES);
  for (const [name, value] of Object.entries(parts.headers ?? {})) {
    if (/[\r\n]/.test(`${name}${value}`)) throw new OptionError('headers', `has a line break in ${JSON.stringify(name)}`);
  }
  return parts;
};

const NAMES = ['method', 'uri', 'headers', 'body', 'remoteAddr'];

/** The octets of the head, and of the body where it is there at once. */
export const octetsOf = ({ method = 'GET', uri = '/', headers = {}, body }: RequestParts): Buffer => {
  if (!isObservable(body)) return sent(method, uri, headers, body);
  const isCounted = Object.keys(headers).some((name) => name.toLowerCase() === 'content-length');
  return sent(method, uri, isCounted ? headers : { 'transfer-encoding': 'chunked', ...headers });
};

const headFrom = (parts: RequestParts): RequestHead => {
  const octets = octetsOf(parts);
  const parser = new RequestParser(DEFAULTS);
  parser.push(octets, 0);
  if (parser.head === null || parser.head === undefined) throw new HttpKitError('RHK_BAD_REQUEST_LINE', 'the request is not whole');
  return parser.head;
};

/** The exchange of a request that no connection carries: nobody hears its reply. */
export class LooseExchange implements ExchangePort {
  readonly parts: RequestParts;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly body: BodyPort | null;
  readonly isHeadSent: boolean;
  endsWithInput: boolean;
  hasChannel: boolean;
  readonly isSettled: boolean;
  onDrain: (() => void) | null;
  onSettled: ((how: Settlement) => void) | null;
  readonly drainingMs: number | null;
  onDraining: ((withinMs: number) => void) | null;
  endsByItself: boolean;

  constructor(parts: RequestParts, head: RequestHead) {
    this.parts = parts;
    this.head = head;
    this.peer = { remoteAddr: parts.remoteAddr ?? '192.0.2.1', remotePort: 50_000, localAddr: '198.51.100.1', localPort: 80 };
    this.body = parts.body === undefined ? null : new LooseBody(parts.body);
    this.isHeadSent = false;
    this.endsWithInput = false;
    this.hasChannel = false;
    this.isSettled = false;
    this.onDrain = null;
    this.onSettled = null;
    this.drainingMs = null;
    this.onDraining = null;
    this.endsByItself = false;
  }

  begin(): void {}

  write(): boolean {
    return true;
  }

  end(): void {}

  cut(): void {}

  upgrade(): FramePort {
    throw new HandlerError('RHK_BAD_REPLY', 'a request without a connection cannot become a WebSocket: use network.server');
  }

  report(error: unknown): void {
    throw error;
  }
}

/** A body that is there, or comes as an Observable emits. While paused, what comes waits. */
class LooseBody implements BodyPort {
  isUsed: boolean;
  readonly trailers: Fields | undefined;
  private readonly body: string | Uint8Array | Observable<string | Uint8Array>;
  private sink: BodySink | null;
  private subscription: Subscription | null;
  private waiting: ((sink: BodySink) => void)[];
  private isPaused: boolean;

  constructor(body: string | Uint8Array | Observable<string | Uint8Array>) {
    this.isUsed = false;
    this.trailers = undefined;
    this.body = body;
    this.sink = null;
    this.subscription = null;
    this.waiting = [];
    this.isPaused = false;
  }

  read(sink: BodySink): void {
    if (this.isUsed) throw new HttpKitError('RHK_BODY_USED');
    this.isUsed = true;
    this.sink = sink;
    if (!isObservable(this.body)) {
      const bytes = Buffer.from(this.body as string); // one overload for each
      this.tell((reader) => reader.onData(bytes));
      this.tell((reader) => reader.onEnd());
      return;
    }
    this.subscription = this.body.subscribe({
      next: (piece) => this.tell((reader) => reader.onData(Buffer.from(piece as string))), // one overload for each
      error: (error: unknown) => this.tell((reader) => reader.onError(error as HttpKitError)), // the test's own business
      complete: () => this.tell((reader) => reader.onEnd()),
    });
    if (this.sink === null) this.subscription.unsubscribe(); // a reader that wanted no more than came at once
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    while (!this.isPaused && this.sink !== null && this.waiting.length > 0) this.waiting.shift()?.(this.sink);
  }

  cancel(): void {
    this.sink = null;
    this.waiting = [];
    this.subscription?.unsubscribe();
  }

  private tell(event: (sink: BodySink) => void): void {
    if (this.sink === null) return;
    if (this.isPaused) this.waiting.push(event);
    else event(this.sink);
  }
}
