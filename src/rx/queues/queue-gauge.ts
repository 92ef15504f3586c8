/** What can be watched of an outbound queue. Made when somebody first asks: a client that nobody watches costs nothing. */
import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import { completeAll } from './complete-all.js';

/**
 * Why a message did not leave: its policy by name; `max-keys` and `max-bytes` where a conflated message gave way to others;
 * `closed` for what waited when the channel ended.
 */
export type DropReason =
  'drop-newest' | 'drop-oldest' | 'latest' | 'conflate' | 'max-keys' | 'max-bytes' | 'suspend' | 'disconnect' | 'closed';

/** Messages that will not reach their client. */
export interface Drop {
  readonly reason: DropReason;
  /** Messages, now. */
  readonly count: number;
  /** Messages, since the channel was opened. */
  readonly total: number;
}

/** Where all messages are that were sent: `offered = sent + dropped + waiting`, always. */
export interface ChannelCounts {
  /** Messages that were sent while the channel was open, and could be encoded. */
  readonly offered: number;
  /** Messages that were given to the connection. */
  readonly sent: number;
  readonly dropped: number;
  readonly waiting: number;
  /** Octets of those that wait. */
  readonly waitingBytes: number;
}

/** What a gauge shows. */
export interface Gauged {
  readonly waiting: number;
  readonly isWritable: boolean;
  readonly isClosed: boolean;
}

export class QueueGauge {
  readonly buffered$: Observable<number>;
  readonly writable$: Observable<boolean>;
  readonly dropped$: Observable<Drop>;
  private readonly buffered: BehaviorSubject<number>;
  private readonly writable: BehaviorSubject<boolean>;
  private readonly drops: Subject<Drop>;
  /** Drops of the step that is being taken: told when it is done, and all counts agree. */
  private readonly untold: Drop[];
  private isShowing: boolean;
  private readonly report: (error: unknown) => void;

  /** @param report - Told what finalizers of those who watch throw. */
  constructor(queue: Gauged, report: (error: unknown) => void) {
    this.report = report;
    this.buffered = new BehaviorSubject(queue.waiting);
    this.writable = new BehaviorSubject(queue.isWritable);
    this.drops = new Subject();
    this.buffered$ = this.buffered.asObservable();
    this.writable$ = this.writable.asObservable();
    this.dropped$ = this.drops.asObservable();
    this.untold = [];
    this.isShowing = false;
    this.show(queue);
  }

  note(drop: Drop): void {
    this.untold.push(drop);
  }

  /**
   * The step is done. What is told may lead to the next one: that is told behind it, so that all see one order, and none ends
   * with an older state than another.
   */
  show(queue: Gauged): void {
    if (this.isShowing) return;
    this.isShowing = true;
    while (this.tell(queue));
    this.isShowing = false;
    if (!queue.isClosed) return;
    completeAll(this.drops, this.report);
    completeAll(this.buffered, this.report);
    completeAll(this.writable, this.report);
  }

  /** @returns Whether there was something to tell. */
  private tell(queue: Gauged): boolean {
    try {
      const drop = this.untold.shift();
      if (drop !== undefined) this.drops.next(drop);
      else if (queue.waiting !== this.buffered.value) this.buffered.next(queue.waiting);
      else if (queue.isWritable !== this.writable.value) this.writable.next(queue.isWritable);
      else return false;
    } catch (error) {
      this.report(error);
    }
    return true;
  }
}
