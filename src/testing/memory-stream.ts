/**
 * The server's end of a connection in memory, whose other end a test holds.
 *
 * What a client does reaches the server at once, within the call. What the server does to a socket (an end, a close, a
 * drain that its own write made due) is told at the end of the turn, as the operating system's sockets do.
 */
import { EventEmitter } from 'node:events';
import type { ByteStream, Clock } from '../transport/contracts.js';
import { MemoryClient } from './memory-client.js';

export interface MemoryStreamOptions {
  /** Octets that the client takes by itself, before {@link MemoryClient.take}; default: all. */
  readonly credit?: number;
  /** Octets waiting at which `write` returns false. */
  readonly highWaterMark?: number;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** The server's end of a connection. */
export class MemoryStream implements ByteStream {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  destroyed: boolean;
  writableLength: number;
  writableNeedDrain: boolean;
  /** What was handed to the socket, one item for each write; what was corked together is one. */
  readonly writes: string[];
  /** `end` was called. */
  isEnded: boolean;
  /** Closed with RST. */
  isReset: boolean;
  isPaused: boolean;
  isClosed: boolean;
  /** How often the server has turned reading off. */
  pauses: number;
  readonly client: MemoryClient;
  private readonly clock: Clock;
  private readonly highWaterMark: number;
  private readonly emitter: EventEmitter;
  private credit: number;
  /** Written, and not released. */
  private pending: Buffer[];
  private corked: Buffer[] | null;
  private corks: number;
  private closesWhenSent: boolean;
  private inbox: Buffer[];
  private isFlowing: boolean;
  private isDelivering: boolean;
  private inputEnded: boolean;
  private isEndTold: boolean;

  constructor(clock: Clock, options: MemoryStreamOptions = {}) {
    this.remoteAddress = options.remoteAddress ?? '192.0.2.1';
    this.remotePort = options.remotePort ?? 50_000;
    this.localAddress = options.localAddress ?? '198.51.100.1';
    this.localPort = options.localPort ?? 80;
    this.destroyed = false;
    this.writableLength = 0;
    this.writableNeedDrain = false;
    this.writes = [];
    this.isEnded = false;
    this.isReset = false;
    this.isPaused = false;
    this.isClosed = false;
    this.pauses = 0;
    this.clock = clock;
    this.highWaterMark = options.highWaterMark ?? 65_536;
    this.emitter = new EventEmitter();
    this.credit = options.credit ?? Infinity;
    this.pending = [];
    this.corked = null;
    this.corks = 0;
    this.closesWhenSent = false;
    this.inbox = [];
    this.isFlowing = false;
    this.isDelivering = false;
    this.inputEnded = false;
    this.isEndTold = false;
    this.client = new MemoryClient({
      send: (bytes) => this.receive(bytes),
      end: () => this.receiveEnd(),
      reset: () => this.receiveReset(),
      take: (octets) => this.grant(octets),
      hold: () => void (this.credit = 0),
    });
  }

  /** How many listeners an event has: none may be left behind, none may be added for each request. */
  listenerCount(event: string): number {
    return this.emitter.listenerCount(event);
  }

  on(event: 'data', listener: (bytes: Buffer) => void): this;
  on(event: 'end' | 'drain' | 'close', listener: () => void): this;
  /** Not of a socket: tells when the server turns reading on or off. */
  on(event: 'reading', listener: (isRead: boolean) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: string, listener: (...values: never[]) => void): this {
    this.emitter.on(event, listener as () => void); // as the overloads say
    if (event === 'data') {
      this.isFlowing = true;
      this.clock.endOfTurn(() => this.deliver());
    }
    return this;
  }

  // ── the server writes ─────────────────────────────────────────────────────────────────────────────────────────────

  write(data: string | Uint8Array, encoding?: 'latin1'): boolean {
    if (this.isEnded) throw new Error('written behind the end');
    if (this.destroyed) return false;
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data);
    this.writableLength += bytes.length;
    const hasRoom = this.writableLength < this.highWaterMark;
    if (!hasRoom) this.writableNeedDrain = true;
    if (this.corked !== null) this.corked.push(bytes);
    else this.hand(bytes);
    return hasRoom;
  }

  cork(): void {
    this.corks++;
    this.corked ??= [];
  }

  uncork(): void {
    this.corks--;
    if (this.corks > 0 || this.corked === null) return;
    const bytes = Buffer.concat(this.corked);
    this.corked = null;
    if (bytes.length > 0) this.hand(bytes);
  }

  end(): void {
    if (this.isEnded || this.destroyed) return;
    this.isEnded = true;
    this.release(() => this.clock.endOfTurn(() => this.onDrained()));
  }

  destroySoon(): void {
    this.closesWhenSent = true;
    this.end();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.pending = [];
    this.clock.endOfTurn(() => this.close());
  }

  resetAndDestroy(): void {
    if (this.destroyed) return;
    this.isReset = true;
    this.destroy();
  }

  pause(): void {
    if (this.isPaused) return;
    this.pauses++;
    this.isPaused = true;
    this.emitter.emit('reading', false);
  }

  resume(): void {
    if (this.isPaused) this.emitter.emit('reading', true);
    this.isPaused = false;
    this.clock.endOfTurn(() => this.deliver());
  }

  private hand(bytes: Buffer): void {
    this.writes.push(bytes.toString('latin1'));
    this.pending.push(bytes);
    this.release(() => this.clock.endOfTurn(() => this.onDrained()));
  }

  /** Lets the client have what it has credit for. */
  private release(whenDrained: () => void): void {
    while (this.pending.length > 0 && this.credit > 0) {
      const first = this.pending[0];
      const taken = first.length <= this.credit ? first : first.subarray(0, this.credit);
      if (taken === first) this.pending.shift();
      else this.pending[0] = first.subarray(taken.length);
      this.credit -= taken.length;
      this.writableLength -= taken.length;
      this.client.onData(taken);
    }
    if (this.pending.length === 0) whenDrained();
  }

  private onDrained(): void {
    if (this.destroyed || this.writableLength > 0) return;
    if (this.isEnded) {
      this.client.onEnd();
      if (this.closesWhenSent || this.inputEnded) this.destroy();
      return;
    }
    if (!this.writableNeedDrain) return;
    this.writableNeedDrain = false;
    this.emitter.emit('drain');
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.client.onClose(this.isReset);
    this.emitter.emit('close');
  }

  // ── the client acts ───────────────────────────────────────────────────────────────────────────────────────────────

  private receive(bytes: Buffer): void {
    if (this.destroyed) return;
    this.inbox.push(bytes);
    this.deliver();
  }

  private receiveEnd(): void {
    this.inputEnded = true;
    this.deliver();
  }

  private receiveReset(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.pending = [];
    this.isClosed = true;
    this.emitter.emit('error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    this.emitter.emit('close');
  }

  private grant(octets: number): void {
    this.credit += octets;
    if (!this.destroyed) this.release(() => this.onDrained());
  }

  private deliver(): void {
    if (this.isDelivering || !this.isFlowing) return;
    this.isDelivering = true;
    while (this.inbox.length > 0 && !this.isPaused && !this.destroyed) this.emitter.emit('data', this.inbox.shift());
    this.isDelivering = false;
    if (!this.inputEnded || this.isEndTold || this.inbox.length > 0 || this.isPaused || this.destroyed) return;
    this.isEndTold = true;
    this.emitter.emit('end');
    if (this.isEnded && this.writableLength === 0) this.destroy();
  }
}
