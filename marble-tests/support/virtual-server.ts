/** A whole server in virtual time: the engine as it is, on memory instead of sockets. */
import { concatMap, mergeMap, type Observable, type OperatorFunction } from 'rxjs';
import type { Connection, Handler, Server, ServerEvent, ServerOptions } from 'rx-http-kit';
import { Listening } from '#src/server/listen.js';
import { optionsFrom } from '#src/server/options.js';
import { startServer } from '#src/server/run-server.js';
import { serve } from '#src/server/serve.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import type { MemoryClient } from '#src/testing/memory-client.js';
import type { MemoryStreamOptions } from '#src/testing/memory-stream.js';
import type { VirtualClock } from '#src/testing/virtual-clock.js';

/** The pipeline that `serve` stands for, out of RxJS's own operators. */
export const pipeline = (handler: Handler): OperatorFunction<Connection, never> =>
  mergeMap((connection) => connection.requests$.pipe(concatMap((exchange) => exchange.answer(handler))));

/** Both ways to answer all connections; what one does the other must do. */
export const ENGINES: Readonly<Record<string, (handler: Handler) => OperatorFunction<Connection, never>>> = { serve, pipeline };

const QUIET: Partial<ServerOptions> = { serverHeader: null };

/** `listen` on virtual ground. */
export class VirtualListener {
  readonly connections$: Observable<Connection>;
  readonly events: ServerEvent[];
  readonly acceptor: MemoryAcceptor;

  constructor(clock: VirtualClock, options: Partial<ServerOptions> = {}) {
    this.acceptor = new MemoryAcceptor(clock);
    this.events = [];
    const checked = optionsFrom({ ...QUIET, ...options });
    this.connections$ = new Listening({ acceptor: this.acceptor, clock }, checked, {
      onEvent: (event) => this.events.push(event),
    }).connections$;
  }

  connect(options?: MemoryStreamOptions): MemoryClient {
    return this.acceptor.connect(options).client;
  }

  get codes(): string[] {
    return codesOf(this.events);
  }
}

/** `runServer` on virtual ground, bound. */
export class VirtualServer {
  readonly acceptor: MemoryAcceptor;
  readonly events: ServerEvent[];
  private readonly servers: Server[];

  constructor(clock: VirtualClock, handler: Handler, options: Partial<ServerOptions> = {}, bindError?: Error) {
    this.acceptor = new MemoryAcceptor(clock, bindError);
    this.events = [];
    this.servers = [];
    const onListening = (server: Server): void => {
      this.servers.push(server);
      server.events$.subscribe((event) => this.events.push(event));
    };
    startServer(handler, optionsFrom({ ...QUIET, ...options }), { acceptor: this.acceptor, clock }, onListening, fail);
  }

  get server(): Server {
    if (this.servers.length === 0) throw new Error('the server is bound at the end of the first turn');
    return this.servers[0];
  }

  connect(options?: MemoryStreamOptions): MemoryClient {
    return this.acceptor.connect(options).client;
  }

  get codes(): string[] {
    return codesOf(this.events);
  }
}

const fail = (error: unknown): never => {
  throw error;
};

const codesOf = (events: readonly ServerEvent[]): string[] =>
  events.map(({ type, error }) => ('code' in error ? String(error.code) : type));

/** Lets a client act as the diagram says: values are what it sends, `|` its FIN, `#` its RST. */
export const play = (client: MemoryClient, sends$: Observable<string>): void => {
  sends$.subscribe({ next: (text) => client.send(text), error: () => client.reset(), complete: () => client.end() });
};

/** A GET of a path. */
export const get = (uri: string): string => `GET ${uri} HTTP/1.1\r\nhost: x\r\n\r\n`;

export const head = (uri: string): string => `HEAD ${uri} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** A POST whose body is to come. */
export const post = (length: number): string => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;

const DATE = /date: [^\r]+\r\n/g;

/** What a client received, without dates: they tell the second, and the frame tells that already. */
export const undated = (text: string): string => text.replace(DATE, '');

const TEXT_TYPE = 'content-type: text/plain; charset=utf-8\r\n';

/** A reply of known length. */
export const whole = (body: string, extra: string = ''): string =>
  `HTTP/1.1 200 OK\r\n${TEXT_TYPE}content-length: ${body.length}\r\n${extra}\r\n${body}`;

/** An error of the server's own making. */
export const fault = (status: string, body: string, extra: string = ''): string =>
  `HTTP/1.1 ${status}\r\n${TEXT_TYPE}${extra}content-length: ${body.length}\r\n\r\n${body}`;

/** The fault of a request that is refused on the wire: the connection ends with it. */
export const refusal = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\n${TEXT_TYPE}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;

/** The start of a streamed reply, with its first pieces. */
export const streamed = (...pieces: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\n${pieces.length === 0 ? '' : TEXT_TYPE}transfer-encoding: chunked\r\n\r\n${pieces.map(chunk).join('')}`;

export const chunk = (piece: string): string => `${piece.length.toString(16)}\r\n${piece}\r\n`;

export const LAST_CHUNK = '0\r\n\r\n';
