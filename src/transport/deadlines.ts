/**
 * All deadlines of a server, checked once a second in one pass: a request costs no timer, only a number.
 *
 * Time is counted in ticks of one second. Between a moment and the tick that is `ticksFor(ms)` later at least `ms`
 * milliseconds pass, and at most one second more.
 */
import type { Cancel, Clock } from './contracts.js';

export interface Timed {
  /** Called at every tick. Must not throw. */
  onTick(tick: number): void;
}

const TICK_MS = 1_000;

export class Deadlines<T extends Timed> {
  /** Ticks since the first connection. */
  tick: number;
  /** The `date` line of every response in this second, RFC 9110 §6.6.1. */
  dateLine: string;
  private readonly clock: Clock;
  readonly watched: Set<T>;
  private cancel: Cancel | null;

  constructor(clock: Clock) {
    this.tick = 0;
    this.dateLine = '';
    this.clock = clock;
    this.watched = new Set();
    this.cancel = null;
  }

  static ticksFor(milliseconds: number): number {
    return Math.ceil(milliseconds / TICK_MS) + 1;
  }

  watch(timed: T): void {
    this.watched.add(timed);
    if (this.cancel !== null) return;
    this.dateLine = `date: ${new Date(this.clock.now()).toUTCString()}\r\n`;
    this.cancel = this.clock.every(TICK_MS, () => this.onTick());
  }

  forget(timed: T): void {
    this.watched.delete(timed);
    if (this.watched.size > 0 || this.cancel === null) return;
    this.cancel();
    this.cancel = null;
  }

  private onTick(): void {
    this.tick++;
    this.dateLine = `date: ${new Date(this.clock.now()).toUTCString()}\r\n`;
    for (const timed of this.watched) timed.onTick(this.tick);
  }
}
