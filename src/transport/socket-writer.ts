/**
 * What one connection says, on its way to its socket.
 *
 * Owns: how much the socket is given at once and in one turn, the wait for its `drain`, what it has released, a client that takes
 * nothing. Leaves: joining to `outbox.ts`, what is said and in which order to `connection.ts`.
 */
import type { ByteStream } from './contracts.js';
import type { ConnectionHost } from './connection-host.js';
import { Deadlines } from './deadlines.js';
import { HIGH_WATER, Outbox, PART_LIMIT } from './outbox.js';
import type { TurnTask } from './turn.js';

/** What a writer needs of its connection. */
export interface WriterOwner {
  /** The turn has ended, or another one has begun in which more may be given: flushes. */
  onTurnEnd(): void;
  /** The socket takes more. */
  onDrain(): void;
}

/** What a client that takes large bodies fast may be given at once, and in one turn of the event loop. */
const MAX_GIFT_BYTES = 4_194_304;

export class SocketWriter implements TurnTask {
  readonly outbox: Outbox;
  private readonly stream: ByteStream;
  private readonly host: ConnectionHost;
  private readonly owner: WriterOwner;
  /** The end of the turn has been asked for. */
  private isTouched: boolean;
  private listensForDrain: boolean;
  private given: number;
  /** Octets that the socket is given at once: grows with a client that takes them, back to one part with one that is slow. */
  private giftLimit: number;
  private releasedAtLastTick: number;
  private stalledTicks: number;

  constructor(stream: ByteStream, host: ConnectionHost, owner: WriterOwner) {
    this.outbox = new Outbox();
    this.stream = stream;
    this.host = host;
    this.owner = owner;
    this.isTouched = false;
    this.listensForDrain = false;
    this.given = 0;
    this.giftLimit = PART_LIMIT;
    this.releasedAtLastTick = 0;
    this.stalledTicks = 0;
  }

  /** Octets that the client has not taken yet. */
  get waiting(): number {
    return this.outbox.size + this.stream.writableLength;
  }

  /** The socket has asked to wait. */
  get mustWait(): boolean {
    return this.stream.writableNeedDrain;
  }

  /** So much waits that nothing more should be made for this client. */
  get isFull(): boolean {
    return this.outbox.size >= HIGH_WATER || this.stream.writableNeedDrain;
  }

  /** Asks for a flush when the turn ends. */
  touch(): void {
    if (this.isTouched) return;
    this.isTouched = true;
    this.host.turn.add(this);
  }

  onTurnEnd(): void {
    this.isTouched = false;
    this.owner.onTurnEnd();
  }

  /** A socket that takes all at once says nothing more: then it is given more, but not for a whole turn of the event loop. */
  give(): void {
    const { outbox, stream } = this;
    if (outbox.size === 0 || stream.destroyed) return;
    let given = 0;
    while (outbox.size > 0 && !stream.writableNeedDrain) {
      if (given >= MAX_GIFT_BYTES) {
        this.host.clock.nextTurn(() => this.onTurnEnd());
        break;
      }
      given += outbox.flush(stream, this.giftLimit);
    }
    this.given += given;
    if (given >= this.giftLimit && this.giftLimit < MAX_GIFT_BYTES) this.giftLimit *= 2;
    if (stream.writableNeedDrain) this.listenForDrain();
  }

  private listenForDrain(): void {
    if (this.listensForDrain) return;
    this.listensForDrain = true;
    this.stream.on('drain', () => this.owner.onDrain());
  }

  /** A second has passed. @returns Whether the socket has taken bytes in it. */
  onTick(): boolean {
    const released = this.given - this.stream.writableLength;
    const hasReleased = released !== this.releasedAtLastTick;
    this.releasedAtLastTick = released;
    return hasReleased;
  }

  /** @returns Whether something has been waiting for a client that takes nothing, for `stallTimeoutMs`. */
  isStalled(hasReleased: boolean, stallTimeoutMs: number): boolean {
    if (this.waiting === 0) {
      this.stalledTicks = 0;
      return false;
    }
    this.stalledTicks = hasReleased ? 0 : this.stalledTicks + 1;
    if (!hasReleased) this.giftLimit = PART_LIMIT;
    // What was given at once is released at once: a larger gift has more time.
    return this.stalledTicks >= Deadlines.ticksFor(stallTimeoutMs) * Math.max(1, this.stream.writableLength / PART_LIMIT);
  }
}
