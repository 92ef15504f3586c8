/**
 * A source that is subscribed when the first client follows it, and outlives the last one for a while.
 *
 * Owns: when it is subscribed and let go, exactly once. Leaves: ids, replay and order to `rx/replay/replay-log.ts`.
 */
import { asyncScheduler, type Observable, Subscriber, type Subscription, throwError } from 'rxjs';
import { ReplayLog, type ReplayLogOptions } from '../rx/replay/replay-log.js';
import type { Follower, Replayable, Unfollow } from '../rx/replay/replayable.js';

export interface LingeringOptions extends ReplayLogOptions {
  /** Milliseconds that it is kept without a client, and those that it is kept behind its end. */
  readonly lingerMs: number;
  /** A failure is kept as an end is; otherwise the next client finds a new life at once. */
  readonly keepsFailure: boolean;
}

export class LingeringSource<T> implements Replayable<T> {
  readonly log: ReplayLog<T>;
  private readonly source$: Observable<T>;
  private readonly lingerMs: number;
  private readonly keepsFailure: boolean;
  private readonly onGone: () => void;
  private subscriber: Subscriber<T> | null;
  private timer: Subscription | null;
  private clients: number;
  private isDisposed: boolean;

  /** @param onGone - It is over, and was let go: a next client needs another one. */
  constructor(source$: Observable<T>, { lingerMs, keepsFailure, ...options }: LingeringOptions, onGone: () => void) {
    this.log = new ReplayLog(options);
    this.source$ = source$;
    this.lingerMs = lingerMs;
    this.keepsFailure = keepsFailure;
    this.onGone = onGone;
    this.subscriber = null;
    this.timer = null;
    this.clients = 0;
    this.isDisposed = false;
  }

  /** Lets go of it if no client comes in time. */
  awaitClient(): void {
    if (this.timer === null) this.linger();
  }

  get hasClients(): boolean {
    return this.clients > 0;
  }

  follow(cursor: string | undefined, latest: number | undefined, follower: Follower<T>): Unfollow {
    this.clients++;
    if (!this.log.hasEnded) this.cancelTimer();
    let isFollowing = true;
    const unfollow = this.log.follow(cursor, latest, follower);
    if (this.subscriber === null && !this.isDisposed) this.start(); // behind the first client, who misses nothing then
    return () => {
      if (!isFollowing) return;
      isFollowing = false;
      unfollow();
      this.clients--;
      if (this.clients === 0 && this.timer === null && !this.isDisposed) this.linger();
    };
  }

  /** Lets go of it now, once: by then the next one may have begun. Who still finds it is told of its end. */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.cancelTimer();
    this.onGone();
    if (this.subscriber !== null) letGo(this.subscriber);
    this.log.complete();
  }

  private start(): void {
    const { log } = this;
    const subscriber = new Publishing(log, (hasFailed) => this.onEnd(hasFailed));
    this.subscriber = subscriber;
    this.source$.subscribe(subscriber);
  }

  /** For those who come back for the end. */
  private onEnd(hasFailed: boolean): void {
    this.cancelTimer();
    if (hasFailed && !this.keepsFailure) this.dispose();
    else this.linger();
  }

  private linger(): void {
    this.timer = asyncScheduler.schedule(() => this.dispose(), this.lingerMs);
  }

  private cancelTimer(): void {
    this.timer?.unsubscribe();
    this.timer = null;
  }
}

class Publishing<T> extends Subscriber<T> {
  private readonly log: ReplayLog<T>;
  private readonly onOver: (hasFailed: boolean) => void;

  constructor(log: ReplayLog<T>, onOver: (hasFailed: boolean) => void) {
    super();
    this.log = log;
    this.onOver = onOver;
  }

  protected override _next(value: T): void {
    this.log.publish(value);
  }

  protected override _error(error: unknown): void {
    letGo(this);
    this.log.error(error);
    this.onOver(true);
  }

  protected override _complete(): void {
    letGo(this);
    this.log.complete();
    this.onOver(false);
  }
}

/** What a finalizer throws is reported as RxJS does with what nobody listens to: clients are told of the end, and places become free. */
const letGo = (subscriber: Subscriber<unknown>): void => {
  try {
    subscriber.unsubscribe();
  } catch (error) {
    throwError(() => error).subscribe();
  }
};
