/**
 * The transport of one server: what its connections share, and their life as a whole.
 *
 * Owns: accepting, draining and closing all connections, the parsers in reserve. Leaves: each connection to `connection.ts`.
 */
import { HttpKitError, OverloadError } from '../errors.js';
import { RequestParser } from '../protocol/request-parser.js';
import { flat, statusLine } from '../protocol/response-head.js';
import { Connection } from './connection.js';
import type { ConnectionHost } from './connection-host.js';
import type { Acceptor, BoundAddress, ByteStream, Clock, ConnectionPort, WireFault, WireLimits } from './contracts.js';
import { Deadlines } from './deadlines.js';
import { Turn } from './turn.js';

/** Who watches a server. */
export interface EngineListener {
  onListening(address: BoundAddress): void;
  onConnection(connection: ConnectionPort): void;
  /** Could not bind: nothing else follows. */
  onBindError(error: Error): void;
  onFault(fault: WireFault): void;
  /** Nothing listens any more and the last connection has closed. */
  onClosed(): void;
}

/** More spare parsers than heads can be in work at one instant of a single thread are of no use. */
const MAX_SPARE_PARSERS = 16;

export class Engine implements ConnectionHost {
  readonly limits: WireLimits;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly deadlines: Deadlines<Connection>;
  readonly serverLine: string;
  private readonly acceptor: Acceptor;
  private readonly listener: EngineListener;
  /** By status, for the second of `headStartsDate`. */
  private headStarts: string[];
  private headStartsDate: string;
  private readonly spareParsers: RequestParser[];
  private isListening: boolean;
  private isClosing: boolean;
  /** When everything is closed, by the clock; Infinity for never. */
  private closesAt: number;
  /** Nothing listens any more. */
  private isClosed: boolean;

  constructor(acceptor: Acceptor, clock: Clock, limits: WireLimits, listener: EngineListener) {
    this.limits = limits;
    this.clock = clock;
    this.turn = new Turn(clock);
    this.deadlines = new Deadlines(clock);
    this.serverLine = limits.serverHeader === null ? '' : `server: ${limits.serverHeader}\r\n`;
    this.acceptor = acceptor;
    this.listener = listener;
    this.headStarts = [];
    this.headStartsDate = '';
    this.spareParsers = [];
    this.isListening = false;
    this.isClosing = false;
    this.closesAt = Infinity;
    this.isClosed = false;
  }

  /** Binds, then accepts until `drain`. */
  open(): void {
    this.acceptor.open({
      onListening: (address) => {
        this.isListening = true;
        this.listener.onListening(address);
      },
      onConnection: (stream) => this.accept(stream),
      onError: (error) => {
        if (this.isListening)
          this.report({ error: new HttpKitError('RHK_ACCEPT_FAILED', undefined, { cause: error }), peer: undefined, head: undefined });
        else this.listener.onBindError(error);
      },
      onRefused: () => this.report({ error: new OverloadError('RHK_TOO_MANY_CONNECTIONS'), peer: undefined, head: undefined }),
      onClosed: () => {
        this.isClosed = true;
        this.closeIfEmpty();
      },
    });
  }

  get drainingMs(): number | null {
    return this.isClosing ? Math.max(0, this.closesAt - this.clock.now()) : null;
  }

  /**
   * Accepts no connection and no further request; what runs may finish.
   *
   * @param withinMs - Until `destroy` will be called, for those who end by themselves.
   * @param firstRequestMs - For connections that have sent nothing yet.
   */
  drain(withinMs: number, firstRequestMs: number = 0): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.closesAt = this.clock.now() + withinMs;
    this.acceptor.close();
    for (const connection of this.deadlines.watched) connection.drain(withinMs, firstRequestMs);
  }

  /** Closes everything now. */
  destroy(): void {
    this.drain(0);
    for (const connection of this.deadlines.watched) connection.destroy();
  }

  headStart(status: number): string {
    const { dateLine } = this.deadlines;
    if (dateLine !== this.headStartsDate) {
      this.headStarts = [];
      this.headStartsDate = dateLine;
    }
    return (this.headStarts[status] ??= flat(statusLine(status) + this.serverLine + dateLine));
  }

  acquireParser(): RequestParser {
    return this.spareParsers.pop() ?? new RequestParser(this.limits);
  }

  releaseParser(parser: RequestParser): void {
    if (this.spareParsers.length >= MAX_SPARE_PARSERS) return;
    parser.reset();
    this.spareParsers.push(parser);
  }

  report(fault: WireFault): void {
    this.listener.onFault(fault);
  }

  onConnectionClosed(): void {
    this.closeIfEmpty();
  }

  private accept(stream: ByteStream): void {
    if (this.isClosing) {
      stream.destroy();
      return;
    }
    this.listener.onConnection(new Connection(stream, this));
  }

  private closeIfEmpty(): void {
    if (this.isClosed && this.deadlines.watched.size === 0) this.listener.onClosed();
  }
}
