/** What can be watched of an outbound queue. Made when somebody first asks: a client that nobody watches costs nothing. */
import { BehaviorSubject, type Observable, Subject } from 'rxjs';

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
  private untold: Drop[];

  constructor(queue: Gauged) {
    this.buffered = new BehaviorSubject(queue.waiting);
    this.writable = new BehaviorSubject(queue.isWritable);
    this.drops = new Subject();
    this.buffered$ = this.buffered.asObservable();
    this.writable$ = this.writable.asObservable();
    this.dropped$ = this.drops.asObservable();
    this.untold = [];
    this.show(queue);
  }

  note(drop: Drop): void {
    this.untold.push(drop);
  }

  /** The step is done. What is told may lead to the next one. */
  show(queue: Gauged): void {
    const { untold } = this;
    this.untold = [];
    for (const drop of untold) this.drops.next(drop);
    if (queue.waiting !== this.buffered.value) this.buffered.next(queue.waiting);
    if (queue.isWritable !== this.writable.value) this.writable.next(queue.isWritable);
    if (!queue.isClosed) return;
    this.drops.complete();
    this.buffered.complete();
    this.writable.complete();
  }
}
