/**
 * The server's end of a connection in memory, whose other end a test holds.
 *
 * What a client does reaches the server at once, within the call, unless the server itself is just writing to it. What the
 * server does to a socket (an end, a close, a drain that its own write made due) is told at the end of the turn. All else
 * is as with the operating system's sockets; `spec/transport/contract/` holds both to it. That includes what surprises:
 * a pause keeps back data, but no `end` that nothing stands before, and no reset; `write` returns true where all left at once.
 *
 * Not modelled: a socket's own buffer (what is released is received), release by whole writes instead of octets, latency,
 * loss, the reset that answers bytes sent to a client which has closed both ways, the one that a close brings about while
 * bytes of the client are still unread, and that a reset behind unread bytes may look like an end to who reads them.
 */
import { EventEmitter } from 'node:events';
import type { ByteStream, Clock } from '../transport/contracts.js';
import { MemoryClient } from './memory-client.js';

/** What the server's own operating system takes for a client that acknowledges nothing any more. */
const UNACKNOWLEDGED = 65_536;

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

interface Address {
  readonly address: string;
  readonly port: number;
}

/** The server's end of a connection. */
export class MemoryStream implements ByteStream {
  destroyed: boolean;
  writableLength: number;
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
  /** Called when it is destroyed, before it tells that. */
  onDestroyed: (() => void) | null;
  private readonly clock: Clock;
  private readonly highWaterMark: number;
  private readonly emitter: EventEmitter;
  private readonly remote: Address;
  private readonly local: Address;
  private isRemoteKnown: boolean;
  private needsDrain: boolean;
  private credit: number;
  /** Written, and not released. */
  private pending: Buffer[];
  private corked: Buffer[] | null;
  private corks: number;
  private closesWhenSent: boolean;
  /** FIN has left. */
  private isFinished: boolean;
  private inbox: Buffer[];
  private inboxLength: number;
  private isFlowing: boolean;
  private isDelivering: boolean;
  /** The client is being told something: what it does at that moment reaches the server when the turn is over. */
  private isTelling: boolean;
  private inputEnded: boolean;
  private isEndTold: boolean;
  /** What it did meanwhile. */
  private deferredActs: number;
  /** While the stream is not destroyed: behind so much unread data that the socket is not read, and the reset not seen. */
  private clientHasReset: boolean;
  private isLost: boolean;

  constructor(clock: Clock, options: MemoryStreamOptions = {}) {
    this.destroyed = false;
    this.writableLength = 0;
    this.writes = [];
    this.isEnded = false;
    this.isReset = false;
    this.isPaused = false;
    this.isClosed = false;
    this.pauses = 0;
    this.onDestroyed = null;
    this.clock = clock;
    this.highWaterMark = options.highWaterMark ?? 65_536;
    this.emitter = new EventEmitter();
    this.remote = { address: options.remoteAddress ?? '192.0.2.1', port: options.remotePort ?? 50_000 };
    this.local = { address: options.localAddress ?? '198.51.100.1', port: options.localPort ?? 80 };
    this.isRemoteKnown = false;
    this.needsDrain = false;
    this.credit = options.credit ?? Infinity;
    this.pending = [];
    this.corked = null;
    this.corks = 0;
    this.closesWhenSent = false;
    this.isFinished = false;
    this.inbox = [];
    this.inboxLength = 0;
    this.isFlowing = false;
    this.isDelivering = false;
    this.isTelling = false;
    this.inputEnded = false;
    this.isEndTold = false;
    this.deferredActs = 0;
    this.clientHasReset = false;
    this.isLost = false;
    this.client = new MemoryClient({
      send: (bytes) => this.act(() => this.receive(bytes)),
      end: () => this.act(() => this.receiveEnd()),
      reset: () => this.act(() => this.receiveReset()),
      take: (octets) => this.act(() => this.grant(octets)),
      hold: () => void (this.credit = 0),
      vanish: () => this.loseClient(),
    });
  }

  get remoteAddress(): string | undefined {
    return this.askRemote()?.address;
  }

  get remotePort(): number | undefined {
    return this.askRemote()?.port;
  }

  get localAddress(): string | undefined {
    return this.destroyed ? undefined : this.local.address;
  }

  get localPort(): number | undefined {
    return this.destroyed ? undefined : this.local.port;
  }

  /** Of a closed socket only that is known which was asked for before. */
  private askRemote(): Address | undefined {
    if (!this.destroyed) this.isRemoteKnown = true;
    return this.isRemoteKnown ? this.remote : undefined;
  }

  get writableNeedDrain(): boolean {
    return this.needsDrain && !this.isEnded && !this.destroyed;
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
    if (this.destroyed) return false;
    if (this.isEnded) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
      this.clock.endOfTurn(() => this.fail(error));
      return false;
    }
    if (this.clientHasReset) {
      this.clock.endOfTurn(() => this.fail(resetError()));
      return false;
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data);
    this.writableLength += bytes.length;
    if (this.corked !== null) this.corked.push(bytes);
    else this.hand(bytes);
    const hasRoom = this.writableLength < this.highWaterMark;
    if (!hasRoom) this.needsDrain = true;
    return hasRoom;
  }

  cork(): void {
    this.corks++;
    this.corked ??= [];
  }

  uncork(): void {
    if (this.corks === 0) return;
    this.corks--;
    if (this.corks === 0) this.giveCorked();
  }

  end(): void {
    if (this.isEnded || this.destroyed) return;
    this.corks = 0;
    this.giveCorked();
    this.isEnded = true;
    this.release(() => this.clock.endOfTurn(() => this.onDrained()));
  }

  destroySoon(): void {
    this.closesWhenSent = true;
    if (this.isFinished) this.destroy();
    else this.end();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.letGo();
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
    this.isFlowing = true;
    this.clock.endOfTurn(() => this.deliver());
  }

  private giveCorked(): void {
    if (this.corked === null) return;
    const bytes = Buffer.concat(this.corked);
    this.corked = null;
    this.hand(bytes);
  }

  private hand(bytes: Buffer): void {
    if (bytes.length === 0) return;
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
      if (!this.isLost) this.tell(() => this.client.onData(taken));
    }
    if (this.pending.length === 0) whenDrained();
  }

  private onDrained(): void {
    if (this.destroyed || this.isFinished || this.writableLength > 0) return;
    if (this.isEnded) {
      this.isFinished = true;
      if (!this.isLost) this.tell(() => this.client.onEnd());
      if (this.closesWhenSent || this.isEndTold) this.destroy();
      return;
    }
    if (!this.needsDrain) return;
    this.needsDrain = false;
    this.emitter.emit('drain');
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (!this.clientHasReset && !this.isLost) this.client.onClose(this.isReset);
    this.emitter.emit('close');
  }

  private fail(error: Error): void {
    if (this.isClosed || this.destroyed) return;
    this.letGo();
    this.emitter.emit('error', error);
    this.close();
  }

  private letGo(): void {
    this.destroyed = true;
    this.pending = [];
    this.onDestroyed?.();
  }

  // ── the client acts ───────────────────────────────────────────────────────────────────────────────────────────────

  private tell(action: () => void): void {
    const wasTelling = this.isTelling;
    this.isTelling = true;
    try {
      action();
    } finally {
      this.isTelling = wasTelling;
    }
  }

  private act(action: () => void): void {
    if (!this.isTelling && this.deferredActs === 0) return action();
    this.deferredActs++;
    this.clock.endOfTurn(() => {
      this.deferredActs--;
      action();
    });
  }

  private receive(bytes: Buffer): void {
    if (this.destroyed || this.inputEnded) return;
    this.inbox.push(bytes);
    this.inboxLength += bytes.length;
    this.deliver();
  }

  private receiveEnd(): void {
    this.inputEnded = true;
    this.deliver();
  }

  private receiveReset(): void {
    if (this.destroyed) return;
    this.inputEnded = true;
    this.clientHasReset = true;
    if (this.inboxLength < this.highWaterMark) this.fail(resetError());
  }

  private loseClient(): void {
    this.isLost = true;
    this.credit = 0;
    this.grant(UNACKNOWLEDGED);
  }

  private grant(octets: number): void {
    this.credit += octets;
    if (!this.destroyed) this.release(() => this.onDrained());
  }

  private get canDeliver(): boolean {
    return this.inbox.length > 0 && this.isFlowing && !this.isPaused && !this.destroyed;
  }

  private deliver(): void {
    if (this.isDelivering) return;
    this.isDelivering = true;
    try {
      while (this.canDeliver) {
        const bytes = this.inbox.shift() as Buffer; // not empty, see above
        this.inboxLength -= bytes.length;
        this.emitter.emit('data', bytes);
      }
    } finally {
      this.isDelivering = false;
      if (this.canDeliver) this.clock.endOfTurn(() => this.deliver()); // a listener threw
    }
    if (this.clientHasReset) {
      if (this.inboxLength < this.highWaterMark) this.fail(resetError());
      return;
    }
    if (!this.inputEnded || this.isEndTold || this.inbox.length > 0 || this.destroyed) return;
    this.isEndTold = true;
    this.emitter.emit('end');
    if (this.isFinished) this.destroy();
  }
}

const resetError = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
