/**
 * A request as handlers see it: Ring's request map in camelCase.
 *
 * Owns: which word means what, and that each is made when first asked for. Leaves: the bytes to `protocol/request-head.ts`.
 */
import type { Observable, Subscriber } from 'rxjs';
import { HandlerError, type HttpKitError } from '../errors.js';
import type { Fields, ReceivedHead } from '../protocol/request-head.js';
import type { HeaderValue } from '../protocol/response-head.js';
import type { BodyPort, BodySink, ExchangePort, Peer } from '../transport/contracts.js';
import type { WaitingRoom } from './admission/waiting-room.js';
import { type Faucet, PausableSource } from './demand/pausable.js';

/**
 * One HTTP request. Its properties are made when first read, so an object spread does not copy them: `extend` adds fields.
 */
export interface HttpRequest {
  /** As sent, upper case: `GET`. */
  readonly method: string;
  /** The path, percent-encoded as sent, without query; `*` for `OPTIONS *`. */
  readonly uri: string;
  /** What stands behind the `?`, percent-encoded as sent; `undefined` where there is no `?`. */
  readonly queryString: string | undefined;
  /** Names in lower case, duplicates joined by `, ` (cookies by `; `); null prototype. Read it, do not write to it. */
  readonly headers: Readonly<Partial<Fields>>;
  /** The trailer section of a chunked body, empty until the body has been read to its end. Never merged into `headers`. */
  readonly trailers: Readonly<Partial<Fields>>;
  /** `HTTP/1.1` or `HTTP/1.0`; behind a server of another make also `HTTP/2.0`. */
  readonly protocol: string;
  readonly scheme: 'http' | 'https';
  /** The host that the client asked for, or else the local address. */
  readonly serverName: string;
  /** The port that the client asked for, or else the port that it came in on; 0 on a Unix socket. */
  readonly serverPort: number;
  /** The address of the peer; empty on a Unix socket. */
  readonly remoteAddr: string;
  /** The media type and its parameters, as sent. */
  readonly contentType: string | undefined;
  /** Octets, as announced; `undefined` for a chunked body or none. */
  readonly contentLength: number | undefined;
  /** The charset parameter of the content type, in lower case. */
  readonly characterEncoding: string | undefined;
  /** The client asks for a WebSocket, RFC 6455 §4.1. */
  readonly isWebSocket: boolean;
  /**
   * The body as it arrives. The socket is read only while somebody is subscribed, and has not paused. One subscription is all there is: a
   * second one fails with `RHK_BODY_USED`, unless there is no body. Fails with a `ProtocolError`: `RHK_BODY_TOO_LARGE`,
   * `RHK_BAD_CHUNK`, `RHK_BODY_INCOMPLETE`, `RHK_BODY_TIMEOUT`, `RHK_CLIENT_GONE`.
   */
  readonly body$: Observable<Buffer>;
  /** Aborted when the client has gone before its reply was complete. */
  readonly signal: AbortSignal;
}

/** The reply to a request, while it is being made; for the rx floor only. */
export interface ReplyInWork {
  /** Its server's. */
  readonly room: WaitingRoom;
  /** Called once, when the reply is complete or cannot be completed, behind all finalizers of its handler. */
  whenOver(action: () => void): void;
}

/** Fields, and what has to become a reply for them to be sent; for the rx floor only. */
export interface FaultFields {
  /** The error itself; `undefined` for "nobody answered". */
  readonly error: unknown;
  /** Names in lower case. */
  readonly fields: Readonly<Record<string, HeaderValue>>;
}

/** A request of another class, for fewer objects: it asks its origin, but does not inherit from it. */
export interface RequestView {
  readonly incomingRequest: IncomingRequest;
  /** Names of what it adds, for those who carry it elsewhere. */
  addedFields(): readonly string[];
}

export class IncomingRequest implements HttpRequest {
  /** The exchange that this request belongs to; for the rx floor only. */
  readonly port: ExchangePort;
  /** `null` before and behind. */
  reply: ReplyInWork | null;
  private readonly head: ReceivedHead;
  private cachedPeer: Peer | undefined;
  private cachedHeaders: Fields | undefined;
  private cachedBody$: Observable<Buffer> | undefined;
  /** This object itself, also when asked through one that `extend` made. All that is kept is kept here: no field of the application hides it. */
  readonly incomingRequest: IncomingRequest;
  /** What replies to errors get; for the rx floor only. `null` where there is none. */
  faultFields: FaultFields[] | null;
  /** Who is told when the server drains; for the rx floor only. */
  drainListeners: readonly ((withinMs: number) => void)[];
  private controller: AbortController | undefined;
  private isAborted: boolean;

  constructor(port: ExchangePort) {
    this.incomingRequest = this;
    this.port = port;
    this.reply = null;
    this.faultFields = null;
    this.head = port.head;
    this.cachedPeer = undefined;
    this.cachedHeaders = undefined;
    this.cachedBody$ = undefined;
    this.drainListeners = NONE;
    this.controller = undefined;
    this.isAborted = false;
  }

  get method(): string {
    return this.incomingRequest.head.method;
  }

  get uri(): string {
    return this.incomingRequest.head.uri;
  }

  get queryString(): string | undefined {
    return this.incomingRequest.head.queryString;
  }

  get headers(): Readonly<Fields> {
    const origin = this.incomingRequest;
    return (origin.cachedHeaders ??= origin.head.headers);
  }

  get trailers(): Readonly<Fields> {
    return this.incomingRequest.port.body?.trailers ?? (Object.create(null) as Fields); // Object.create is typed any
  }

  get protocol(): string {
    return this.incomingRequest.head.protocol;
  }

  get scheme(): 'http' | 'https' {
    return this.incomingRequest.head.scheme;
  }

  get serverName(): string {
    return this.incomingRequest.head.serverName || this.incomingRequest.peer.localAddr;
  }

  get serverPort(): number {
    return this.incomingRequest.head.serverPort ?? this.incomingRequest.peer.localPort ?? 0;
  }

  get remoteAddr(): string {
    return this.incomingRequest.peer.remoteAddr;
  }

  get contentType(): string | undefined {
    return this.headers['content-type'];
  }

  get contentLength(): number | undefined {
    const { contentLength } = this.incomingRequest.head;
    return contentLength < 0 ? undefined : contentLength;
  }

  get characterEncoding(): string | undefined {
    const match = CHARSET.exec(this.contentType ?? '');
    return match === null ? undefined : (match[1] ?? match[2]).toLowerCase();
  }

  get isWebSocket(): boolean {
    return this.incomingRequest.head.asksWebSocket;
  }

  get body$(): Observable<Buffer> {
    const origin = this.incomingRequest;
    return (origin.cachedBody$ ??= origin.port.body === null ? NO_BODY : new BodyStream(origin.port.body));
  }

  get signal(): AbortSignal {
    const origin = this.incomingRequest;
    if (origin.controller === undefined) {
      origin.controller = new AbortController();
      if (origin.isAborted) origin.controller.abort();
    }
    return origin.controller.signal;
  }

  forget(): void {
    this.cachedHeaders = undefined;
  }

  /** The client has gone. */
  abort(): void {
    this.isAborted = true;
    this.controller?.abort();
  }

  /** Asked of the origin only. */
  private get peer(): Peer {
    return (this.cachedPeer ??= this.port.peer);
  }
}

const NONE: readonly never[] = [];
const CHARSET = /;[ \t]*charset=(?:"([^"]*)"|([^\s;"]+))/i;

/** Reads when subscribed, and tells the port when the subscriber has lost interest. */
export class BodyStream extends PausableSource<Buffer> {
  private readonly body: BodyPort;

  constructor(body: BodyPort) {
    super();
    this.body = body;
  }

  open(subscriber: Subscriber<Buffer>): Faucet {
    return new BodyReading(this.body, subscriber);
  }
}

/** One body being read. While it is paused nothing is read for it from the socket. */
class BodyReading implements Faucet, BodySink {
  private readonly body: BodyPort;
  private readonly subscriber: Subscriber<Buffer>;
  private hasStarted: boolean;

  constructor(body: BodyPort, subscriber: Subscriber<Buffer>) {
    this.body = body;
    this.subscriber = subscriber;
    this.hasStarted = false;
  }

  pause(): void {
    this.body.pause();
  }

  resume(): void {
    if (this.hasStarted) return this.body.resume();
    if (this.body.isUsed) return this.subscriber.error(new HandlerError('RHK_BODY_USED'));
    this.hasStarted = true;
    this.subscriber.add(() => this.body.cancel()); // first, as all of a small body may come before `read` returns
    this.body.read(this);
  }

  onData(bytes: Buffer): void {
    this.subscriber.next(bytes);
  }

  onEnd(): void {
    this.subscriber.complete();
  }

  onError(error: HttpKitError): void {
    this.subscriber.error(error);
  }
}

/** The body of a request that has none: it completes at once, and as often as it is asked. */
class NoBody extends PausableSource<Buffer> {
  open(subscriber: Subscriber<Buffer>): Faucet {
    return { pause: () => {}, resume: () => subscriber.complete() };
  }
}

const NO_BODY = new NoBody();

/**
 * What `extend` makes of a request of a server: it asks its origin for the words of `HttpRequest`, and has all that was ever added itself.
 * To stand each on the one before, as prototypes do, costs a hidden class for each of them.
 */
class ExtendedRequest {
  declare readonly incomingRequest: IncomingRequest;

  constructor(origin: IncomingRequest) {
    Object.defineProperty(this, 'incomingRequest', { value: origin }); // not enumerable: it was not added
  }
}
Object.setPrototypeOf(ExtendedRequest.prototype, IncomingRequest.prototype);

/** What a request has before an application puts something on it. */
const OWN_NAMES: ReadonlySet<PropertyKey> = new Set<keyof IncomingRequest | PropertyKey>([
  'incomingRequest',
  'port',
  'reply',
  'faultFields',
  'head',
  'cachedPeer',
  'cachedHeaders',
  'cachedBody$',
  'drainListeners',
  'controller',
  'isAborted',
]);

/**
 * A request with more fields: what middleware makes of one. The request itself is not changed.
 *
 * All fields that were added so far are own properties of the result, those of former `extend`s too, so `Object.keys` and an object spread
 * see them all; a getter stays one. They are taken as they are now: what is put on `request` by hand is among them if it is there
 * already. No field can be called `incomingRequest`: it is left out.
 *
 * @example `map((request) => extend(request, { user: userOf(request) }))`
 */
export const extend = <R extends HttpRequest, F extends object>(request: R, fields: F): R & F => {
  const origin = originOf(request);
  const isOrigin = request === (origin as unknown);
  if (origin === undefined || !(isOrigin || Object.getPrototypeOf(request) === ExtendedRequest.prototype)) {
    return Object.create(request, Object.getOwnPropertyDescriptors(fields)) as R & F; // Object.create is typed any
  }
  const extended = new ExtendedRequest(origin);
  const before = Reflect.ownKeys(request);
  if (!isOrigin || before.length !== OWN_NAMES.size) {
    for (const name of before) {
      if (!(isOrigin ? OWN_NAMES.has(name) : name === 'incomingRequest') && !Object.hasOwn(fields, name)) copy(request, name, extended);
    }
  }
  for (const name of Reflect.ownKeys(fields)) if (name !== 'incomingRequest') copy(fields, name, extended);
  return extended as unknown as R & F; // its prototype has the rest
};

/** Assigned, as that is several times as quick as to define, unless it would differ: a setter or a getter can stand in the way. */
const copy = (from: object, name: PropertyKey, to: object): void => {
  const property = Object.getOwnPropertyDescriptor(from, name) as PropertyDescriptor; // `name` is one of its own
  const isOrdinary = property.writable === true && property.enumerable === true && property.configurable === true;
  if (isOrdinary && !(name in ExtendedRequest.prototype))
    (to as Record<PropertyKey, unknown>)[name] = property.value; // any name may be added
  else Object.defineProperty(to, name, property);
};

/** The exchange that a request belongs to, also through `extend`. */
export const portOf = (request: HttpRequest): ExchangePort => (request as IncomingRequest).incomingRequest.port; // requests are made nowhere else

/** The request that a server made, also through `extend`; `undefined` for one of another make. */
export const originOf = (request: HttpRequest): IncomingRequest | undefined => (request as Partial<IncomingRequest>).incomingRequest; // asked, not assumed

/** Headers are read anew when they are asked for again: the strings of a handshake need not stay as long as its WebSocket. */
export const forgetHeaders = (request: HttpRequest): void => {
  (request as IncomingRequest).incomingRequest.forget(); // requests are made nowhere else
};
