/** One request through a handler: no port, no socket. */
import { defer, isObservable, map, type Observable, type Subscription } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { single } from '../rx/single.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest, originOf, portOf } from '../rx/request.js';
import { kindOf, type Reply } from '../rx/response.js';
import { MAX_TIMEOUT_MS, optionsFrom, type ServerOptions } from '../server/options.js';
import { type Server, startServer } from '../server/run-server.js';
import type { ServerEvent } from '../server/server-event.js';
import { systemClock } from '../transport/system-clock.js';
import { MemoryAcceptor } from './memory-acceptor.js';
import type { MemoryClient } from './memory-client.js';
import { type ReplyHead, ReplyReader } from '../protocol/reply-reader.js';
import { LooseExchange, octetsOf, request as requestFrom, type RequestParts } from './request.js';

/** What a client would have received. */
export interface CollectedReply extends ReplyHead {
  readonly body: Buffer;
  /** As UTF-8. */
  readonly text: string;
  /** Of `body`, in the order in which they were written. */
  readonly pieces: readonly string[];
  readonly trailers: Readonly<Record<string, string>>;
  /** What the server told: the cause of a 500 is in `events[0].error.cause`. */
  readonly events: readonly ServerEvent[];
  /** The body as JSON. @throws SyntaxError */
  json(): unknown;
}

export interface CollectOptions {
  /** Milliseconds for the whole reply; past it `collect` rejects and the handler is unsubscribed. Default 5 000. */
  readonly timeoutMs?: number | undefined;
  /** Options of the server that would have answered. */
  readonly server?: Partial<ServerOptions> | undefined;
}

/** One request on its way through a handler. Nothing happens before it is asked for. */
export interface Injection {
  /** What the handler says, as it is, at each subscription anew. In a marble test this is the one to use. */
  readonly reply$: Observable<Reply>;
  /**
   * What a client would receive: the reply through the real server, over memory, with 404 for nothing and 500 for errors.
   * A WebSocket resolves with its 101, and is closed.
   *
   * @returns Rejects for a reply that was cut, or took too long.
   */
  collect(options?: CollectOptions): Promise<CollectedReply>;
}

const TIMEOUT_MS = 5_000;

/**
 * Gives one request to a handler, without a server.
 *
 * @param given - Parts of a request, a path, or a request of `request()`, also one that was `extend`ed.
 * @example `const { status, text } = await inject(handler, '/hello').collect();`
 */
export const inject = (handler: Handler, given: HttpRequest | RequestParts | string): Injection => {
  if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
  const request = isRequest(given) ? given : requestFrom(given);
  return {
    reply$: defer(() => handler(single(request))), // as the server does
    collect: (options = {}) => {
      knownOptions(options, ['timeoutMs', 'server']);
      return collect(handler, request, options);
    },
  };
};

const isRequest = (given: HttpRequest | RequestParts | string): given is HttpRequest =>
  typeof given === 'object' && given !== null && 'incomingRequest' in given;

const collect = (handler: Handler, request: HttpRequest, { timeoutMs: given, server }: CollectOptions): Promise<CollectedReply> => {
  const timeoutMs = integerOption('timeoutMs', given, TIMEOUT_MS, 0, MAX_TIMEOUT_MS);
  const port = portOf(request);
  if (!(port instanceof LooseExchange)) throw new OptionError('request', 'belongs to a server already: make one with request()');
  const options = optionsFrom({ serverHeader: null, ...server });
  const { method = 'GET', body } = port.parts;
  const collecting = new Collecting(method);
  return new Promise((resolve, reject) => {
    const acceptor = new MemoryAcceptor(systemClock);
    let sending: Subscription | undefined;
    let running: Server | undefined;
    const release = (): void => {
      clearTimeout(timer);
      sending?.unsubscribe();
      void running?.stop({ timeout: 0 });
    };
    const fail = (what: string): void => {
      release();
      reject(new Error(`${what}: ${collecting.progress}`));
    };
    const timer = setTimeout(() => fail(`the reply took longer than ${timeoutMs} ms (timeoutMs)`), timeoutMs);
    const succeed = (): void => {
      release();
      resolve(collecting.reply);
    };
    const connect = (): void => {
      const { client } = acceptor.connect({ remoteAddress: port.peer.remoteAddr });
      client.received$.subscribe({
        next: (octets) => {
          try {
            collecting.push(octets);
          } catch (error) {
            fail(messageOf(error)); // no reply at all
          }
        },
        error: () => fail('the reply was cut'),
        complete: () => (collecting.end() ? undefined : fail('the reply was cut')),
      });
      collecting.onWhole = succeed;
      client.send(octetsOf(port.parts));
      if (isObservable(body)) sending = sendPieces(body, client, !('content-length' in request.headers));
    };
    const dressed: Handler = (requests$) => handler(requests$.pipe(map((arrived) => dress(arrived, request))));
    const onListening = (listening: Server): void => {
      running = listening;
      listening.events$.subscribe((event) => collecting.events.push(event));
      connect();
    };
    startServer(dressed, options, { acceptor, clock: systemClock }, onListening, (error) => fail(messageOf(error)));
  });
};

/** The request that has arrived, with all that `extend` had given to the one that it was made from. */
const dress = (arrived: HttpRequest, request: HttpRequest): HttpRequest => {
  const layers: object[] = [];
  let layer: object = request;
  for (; !Object.hasOwn(layer, 'incomingRequest'); layer = Object.getPrototypeOf(layer) as object) layers.push(layer); // a request stands at the end
  const bottom = layer === originOf(request) ? arrived : extend(arrived, layer);
  return layers.reduceRight<HttpRequest>((dressed, above) => Object.create(dressed, Object.getOwnPropertyDescriptors(above)), bottom);
};

/** The pieces of a body as they come, as chunks where no length was announced. */
const sendPieces = (pieces$: Observable<string | Uint8Array>, client: MemoryClient, isChunked: boolean): Subscription =>
  pieces$.subscribe({
    next: (piece) => {
      const octets = Buffer.from(piece as string); // one overload for each
      if (octets.length === 0) return;
      client.send(isChunked ? Buffer.concat([Buffer.from(`${octets.length.toString(16)}\r\n`), octets, Buffer.from('\r\n')]) : octets);
    },
    error: () => client.reset(),
    complete: () => {
      if (isChunked) client.send('0\r\n\r\n');
    },
  });

/** A reply on its way. */
class Collecting {
  readonly events: ServerEvent[];
  onWhole: () => void;
  private readonly reader: ReplyReader;
  private readonly pieces: Buffer[];
  private head: ReplyHead | undefined;
  private trailers: Readonly<Record<string, string>>;
  private isWhole: boolean;

  constructor(method: string) {
    this.events = [];
    this.onWhole = () => {};
    this.pieces = [];
    this.head = undefined;
    this.trailers = {};
    this.isWhole = false;
    this.reader = new ReplyReader(
      {
        onHead: (head) => this.onHead(head),
        onPiece: (piece) => void this.pieces.push(piece),
        onTrailers: (fields) => (this.trailers = fields),
        onEnd: () => this.onEnd(),
        onUpgraded: () => {},
      },
      () => method,
    );
  }

  push(octets: string): void {
    if (!this.isWhole) this.reader.push(Buffer.from(octets, 'latin1'));
  }

  /** The connection has ended. @returns Whether that was the end of the reply. */
  end(): boolean {
    this.reader.end();
    return this.isWhole;
  }

  get progress(): string {
    if (this.head === undefined) return 'nothing has come';
    return `${this.head.status} with ${this.pieces.reduce((sum, piece) => sum + piece.length, 0)} octets of body has come`;
  }

  get reply(): CollectedReply {
    const body = Buffer.concat(this.pieces);
    const text = body.toString();
    return {
      ...(this.head as ReplyHead), // whole, so begun
      body,
      text,
      pieces: this.pieces.map(String),
      trailers: this.trailers,
      events: this.events,
      json: () => JSON.parse(text) as unknown,
    };
  }

  private onHead(head: ReplyHead): void {
    if (head.status < 200 && head.status !== 101) return;
    this.head = head;
    if (head.status === 101) this.onEnd();
  }

  private onEnd(): void {
    if (this.isWhole) return;
    this.isWhole = true;
    this.onWhole();
  }
}
