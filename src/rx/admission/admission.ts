/**
 * Slots, and the queue for them.
 *
 * Owns: who runs, who waits, who is refused, and for how long one may wait. Leaves: what running and refusing mean to the
 * applicants, and how it is told over HTTP to `admit.ts`.
 */
import { asapScheduler, asyncScheduler, defer, distinctUntilChanged, type Observable, startWith, Subject, type Subscription } from 'rxjs';
import { Place, PlaceQueue } from './place-queue.js';

/** How busy an admission is. `active` is at most `concurrency`, `waiting` at most `queueSize`; nobody waits while a slot is free. */
export interface Pressure {
  /** Slots that are held. */
  readonly active: number;
  /** Requests that wait for one. */
  readonly waiting: number;
  readonly concurrency: number;
  readonly queueSize: number;
}

/** Why an applicant gets no slot: too many wait, or it has waited too long. */
export type Refusal = 'full' | 'timeout';

/** Who wants a slot, once. */
export abstract class Applicant extends Place {
  /** It has a slot, though it may not have been told yet. Kept by the admission. */
  holdsSlot: boolean;
  /** When it began to wait, milliseconds since 1970. Kept by the admission. */
  waitsSince: number;

  constructor() {
    super();
    this.holdsSlot = false;
    this.waitsSince = 0;
  }

  /** The slot is its own until it leaves. Must not throw. */
  abstract onAdmitted(): void;

  /** It stands in the queue. */
  abstract onWaiting(): void;

  /** It will get no slot. Must not throw. */
  abstract onRefused(why: Refusal): void;
}

/**
 * A free slot is given at once, within `enter`. One that becomes free goes to the first in the queue within `leave`, yet its new
 * holder hears of it when the turn of the event loop is over: so whoever leaves in the same turn, as all do when a server is cut,
 * never runs, and any number of applicants whose work is done at once are served in a loop, not on each other's stack.
 */
export class Admission {
  /** The pressure now, then with each change; no two alike in a row. Never ends. */
  readonly pressure$: Observable<Pressure>;
  readonly concurrency: number;
  readonly queueSize: number;
  readonly maxWaitMs: number;
  private readonly waiting: PlaceQueue<Applicant>;
  /** Those that have a slot and were not told yet. */
  private readonly starting: PlaceQueue<Applicant>;
  private readonly changes: Subject<Pressure>;
  private active: number;
  /** `startAll` is due, or at work. */
  private isStarting: boolean;
  /** One for all: set for one that waits, or waited, longest. */
  private timer: Subscription | null;
  private isTelling: boolean;
  private hasChanged: boolean;

  constructor(concurrency: number, queueSize: number, maxWaitMs: number) {
    this.concurrency = concurrency;
    this.queueSize = queueSize;
    this.maxWaitMs = maxWaitMs;
    this.waiting = new PlaceQueue();
    this.starting = new PlaceQueue();
    this.changes = new Subject();
    this.active = 0;
    this.isStarting = false;
    this.timer = null;
    this.isTelling = false;
    this.hasChanged = false;
    this.pressure$ = defer(() => this.changes.pipe(startWith(this.pressure), distinctUntilChanged(isSame)));
  }

  get pressure(): Pressure {
    const { active, waiting, concurrency, queueSize } = this;
    return { active, waiting: waiting.size, concurrency, queueSize };
  }

  /** `onAdmitted` or `onRefused` follows, now or later, unless the applicant leaves before that. */
  enter(applicant: Applicant): void {
    if (this.active < this.concurrency) {
      this.active++;
      applicant.holdsSlot = true;
      this.tell();
      if (!applicant.holdsSlot) return; // it was let go by who heard of it
      if (this.isStarting)
        this.starting.push(applicant); // others were before it
      else applicant.onAdmitted();
    } else if (this.waiting.size < this.queueSize) {
      this.wait(applicant);
    } else {
      applicant.onRefused('full');
    }
  }

  /** Gives up a slot, or a place in the queue; without effect on who has neither. */
  leave(applicant: Applicant): void {
    if (applicant.holdsSlot) {
      applicant.holdsSlot = false;
      this.starting.remove(applicant); // it may not have begun
      this.passOn();
    } else if (applicant.queue === this.waiting) {
      this.waiting.remove(applicant);
    } else {
      return;
    }
    this.stopTimerIfEmpty();
    this.tell();
  }

  /** A slot is free: for the first that waits, or for whoever comes. */
  private passOn(): void {
    const next = this.waiting.shift();
    if (next === null) {
      this.active--;
      return;
    }
    next.holdsSlot = true;
    this.starting.push(next);
    if (this.isStarting) return;
    this.isStarting = true;
    asapScheduler.schedule(() => this.startAll());
  }

  private startAll(): void {
    for (let next = this.starting.shift(); next !== null; next = this.starting.shift()) next.onAdmitted();
    this.isStarting = false;
  }

  // ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private wait(applicant: Applicant): void {
    this.waiting.push(applicant);
    if (this.maxWaitMs !== Infinity) {
      applicant.waitsSince = asyncScheduler.now();
      this.timer ??= this.timerFor(this.maxWaitMs);
    }
    this.tell();
    if (applicant.queue === this.waiting) applicant.onWaiting(); // else it was let go by who heard of it
  }

  private timerFor(milliseconds: number): Subscription {
    return asyncScheduler.schedule(() => this.expire(), milliseconds);
  }

  /** The timer was set for one that may have left since: those behind it have waited less long. */
  private expire(): void {
    this.timer = null;
    const now = asyncScheduler.now();
    let { first } = this.waiting;
    while (first !== null && first.waitsSince + this.maxWaitMs <= now) {
      this.waiting.remove(first);
      this.tell();
      first.onRefused('timeout');
      ({ first } = this.waiting);
    }
    if (first === null) return;
    const left = Math.min(first.waitsSince + this.maxWaitMs - now, this.maxWaitMs); // more only if the clock was set back
    this.timer ??= this.timerFor(left);
  }

  private stopTimerIfEmpty(): void {
    if (this.waiting.size > 0) return;
    this.timer?.unsubscribe();
    this.timer = null;
  }

  // ── who watches ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** What a watcher causes within is told behind what it was told, so that no watcher ends with an older state than another. */
  private tell(): void {
    if (!this.changes.observed) return;
    this.hasChanged = true;
    if (this.isTelling) return;
    this.isTelling = true;
    while (this.hasChanged) {
      this.hasChanged = false;
      this.changes.next(this.pressure);
    }
    this.isTelling = false;
  }
}

const isSame = (one: Pressure, other: Pressure): boolean => one.active === other.active && one.waiting === other.waiting;
