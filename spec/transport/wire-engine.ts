/** The transport floor alone, on memory: what a connection does with bytes, exchanges and time, without any rx. */
import { HttpKitError } from '#src/errors.js';
import type { BodySink, ConnectionPort, ExchangePort, WireFault, WireLimits } from '#src/transport/contracts.js';
import { Engine } from '#src/transport/engine.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import type { MemoryClient } from '#src/testing/memory-client.js';
import { MemoryStream, type MemoryStreamOptions } from '#src/testing/memory-stream.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';

export const LIMITS: WireLimits = {
  maxLine: 8_192,
  maxHeaders: 100,
  maxHeadBytes: 65_536,
  maxBody: 8_388_608,
  maxWs: 4_194_304,
  maxBufferedBytes: 1_048_576,
  maxRequestsPerConnection: Infinity,
  headTimeoutMs: 30_000,
  bodyMinBytesPerSecond: 240,
  keepAliveTimeoutMs: 75_000,
  halfCloseTimeoutMs: 30_000,
  stallTimeoutMs: 60_000,
  serverHeader: null,
};

/** Answers an exchange, now or later. */
export type Answerer = (exchange: ExchangePort) => void;

export class WireEngine {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  readonly acceptor: MemoryAcceptor;
  readonly exchanges: ExchangePort[];
  readonly ports: ConnectionPort[];
  /** Codes of what was reported. */
  readonly faults: string[];
  /** Connections that have told their listener that they are closed. */
  closed: number;
  isClosed: boolean;

  constructor(answer: Answerer, limits: Partial<WireLimits> = {}) {
    this.clock = new VirtualClock();
    this.acceptor = new MemoryAcceptor(this.clock);
    this.exchanges = [];
    this.ports = [];
    this.faults = [];
    this.closed = 0;
    this.isClosed = false;
    this.engine = new Engine(
      this.acceptor,
      this.clock,
      { ...LIMITS, ...limits },
      {
        onListening: () => {},
        onConnection: (port) => {
          this.ports.push(port);
          port.start({
            onExchange: (exchange) => {
              this.exchanges.push(exchange);
              answer(exchange);
            },
            onClosed: () => this.closed++,
          });
        },
        onBindError: (error) => {
          throw error;
        },
        onFault: ({ error }: WireFault) => this.faults.push(error instanceof HttpKitError ? error.code : String(error)),
        onClosed: () => {
          this.isClosed = true;
        },
      },
    );
    this.engine.open();
    this.clock.settle();
  }

  connect(options?: MemoryStreamOptions): { stream: MemoryStream; client: MemoryClient } {
    const stream = this.acceptor.connect(options);
    return { stream, client: stream.client };
  }
}

export const answerWith =
  (body: string, status: number = 200): Answerer =>
  (exchange) => {
    exchange.begin(status, undefined);
    exchange.write(body);
    exchange.end();
  };

/** A reader of bodies that writes down what it gets. */
export class Reader implements BodySink {
  text = '';
  /** `|` once ended, the code once failed. */
  end = '';

  onData(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
  }

  onEnd(): void {
    this.end += '|';
  }

  onError(error: HttpKitError): void {
    this.end += error.code;
  }
}

export const get = (uri: string = '/', fields: string = ''): string => `GET ${uri} HTTP/1.1\r\nhost: x\r\n${fields}\r\n`;
export const post = (fields: string, body: string = ''): string => `POST / HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n${body}`;

/** What a client received, reply by reply: status, the fields that matter, and the body as it stands on the wire. */
export const repliesIn = (text: string): string[] =>
  text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((reply) => reply !== '')
    .map((reply) => reply.replace(/date: [^\r]+\r\n|content-type: text\/plain; charset=utf-8\r\n/g, '').replaceAll('\r\n', '~'));
