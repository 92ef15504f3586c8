/**
 * What a client of a feed has missed, sent as fast as it takes it, and what is published meanwhile, which waits behind.
 *
 * Owns: that a replay of any length reaches a client of any speed. It is in memory already, as the history that it came from, so it counts for no
 * limit. What is published meanwhile does: past the limits all goes to the client's queue, whose overflow policy decides. Leaves: words and frames
 * to the client.
 */
import type { Observable, Subscription } from 'rxjs';
import type { QueueLimits } from '../rx/queues/outbound-queue.js';
import { WaitingMessages } from '../rx/queues/waiting-messages.js';
import type { Published } from '../rx/replay/replayable.js';

/** The client's queue. */
interface Pacing {
  readonly counts: { readonly waiting: number };
  readonly writable$: Observable<boolean>;
}

export interface BacklogOwner<T> {
  sendItem(published: Published<T>): void;
  /** All has been sent. Not called where that was so at once. */
  onCaughtUp(): void;
}

export class Backlog<T> {
  private readonly owner: BacklogOwner<T>;
  private readonly queue: Pacing;
  private readonly limits: QueueLimits<never>;
  private missed: readonly Published<T>[];
  private at: number;
  private readonly behind: WaitingMessages<Published<T>>;
  private subscription: Subscription | null;
  private isSending: boolean;
  private isOver: boolean;

  private constructor(owner: BacklogOwner<T>, queue: Pacing, limits: QueueLimits<never>, missed: readonly Published<T>[]) {
    this.owner = owner;
    this.queue = queue;
    this.limits = limits;
    this.missed = missed;
    this.at = 0;
    this.behind = new WaitingMessages();
    this.subscription = null;
    this.isSending = false;
    this.isOver = false;
  }

  /** @returns `null` where all could be sent at once. */
  static send<T>(owner: BacklogOwner<T>, queue: Pacing, limits: QueueLimits<never>, missed: readonly Published<T>[]): Backlog<T> | null {
    let sent = 0;
    while (sent < missed.length && queue.counts.waiting === 0) owner.sendItem(missed[sent++]);
    return sent === missed.length ? null : new Backlog(owner, queue, limits, missed.slice(sent));
  }

  /** Goes on when the client has taken what waits. */
  start(): void {
    this.subscription = this.queue.writable$.subscribe((isWritable) => {
      if (isWritable) this.sendWhatIsTaken();
    });
    if (this.isOver) this.subscription.unsubscribe();
  }

  /** Something was published. @param octets - Of it on the wire. */
  add(published: Published<T>, octets: number): void {
    const { behind, limits } = this;
    behind.push(published, octets);
    if (behind.length <= limits.queueSize && behind.octets <= limits.maxBufferedBytes) return;
    this.stop();
    for (let next = this.next(); next !== undefined; next = this.next()) this.owner.sendItem(next);
    this.owner.onCaughtUp();
  }

  stop(): void {
    this.isOver = true;
    this.subscription?.unsubscribe();
  }

  private sendWhatIsTaken(): void {
    if (this.isSending) return;
    this.isSending = true;
    while (!this.isOver && this.queue.counts.waiting === 0) {
      const next = this.next();
      if (next === undefined) {
        this.stop();
        this.owner.onCaughtUp();
      } else this.owner.sendItem(next);
    }
    this.isSending = false;
  }

  private next(): Published<T> | undefined {
    if (this.at < this.missed.length) return this.missed[this.at++];
    this.missed = NONE;
    return this.behind.shift();
  }
}

const NONE: readonly never[] = [];
