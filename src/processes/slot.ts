/**
 * The place of one process in a group, whoever fills it: started again when it crashes, replaced without a gap when asked.
 *
 * Owns: who serves, who is to follow, who still leaves. Leaves: the order among slots, to the supervisor.
 */
import { Observable, type SchedulerLike, type Subscriber, Subscription } from 'rxjs';
import { HttpKitError, messageOf } from '../errors.js';
import { backoffMs, HEALTHY_MS } from './backoff.js';
import type { Departure, ProcessAddress, ProcessHost } from './contracts.js';
import { Life, type LifeListener } from './life.js';
import type { ProcessEvent } from './process-event.js';

/** `starting` until all have listened once; `ending` from the first that could not, or from `stop`. */
export type GroupPhase = 'starting' | 'running' | 'ending';

/** What slots share. */
export interface SlotGroup {
  readonly host: ProcessHost;
  readonly scheduler: SchedulerLike;
  readonly startTimeoutMs: number;
  readonly phase: GroupPhase;
  onReady(address: ProcessAddress): void;
  /** One that never listened has ended while the group starts: the slot stays empty. */
  onStartFailed(error: Error): void;
  /** A process has ended, whatever is done about it. */
  onEnd(): void;
  emit(event: ProcessEvent): void;
}

/** A replacement in work: until the follower listens, then until the leaver has ended. */
interface Replacement {
  readonly departure: Departure;
  readonly subscriber: Subscriber<never>;
  follower: Life | null;
  leaver: Life | null;
}

export class Slot implements LifeListener {
  readonly index: number;
  private readonly group: SlotGroup;
  /** Who serves, or starts in an empty place; `null` between a crash and the next start. */
  private current: Life | null;
  private replacement: Replacement | null;
  /** All that have not ended. */
  private readonly living: Set<Life>;
  /** In a row. */
  private crashes: number;
  private restart: Subscription;

  constructor(index: number, group: SlotGroup) {
    this.index = index;
    this.group = group;
    this.current = null;
    this.replacement = null;
    this.living = new Set();
    this.crashes = 0;
    this.restart = Subscription.EMPTY;
  }

  get isEmpty(): boolean {
    return this.living.size === 0;
  }

  get isServing(): boolean {
    return this.current?.readySince !== undefined;
  }

  start(): void {
    this.current = this.spawn();
  }

  /**
   * Starts another process; when it listens, the one before it drains and ends.
   *
   * Completes when that one has ended. Fails when the new one does not start; the old one goes on then. Unsubscribing ends
   * a new one that does not listen yet.
   */
  replace(departure: Departure): Observable<never> {
    return new Observable((subscriber) => {
      this.restart.unsubscribe();
      const replacement: Replacement = { departure, subscriber, follower: this.spawn(), leaver: null };
      this.replacement = replacement;
      return () => {
        if (this.replacement !== replacement) return;
        this.replacement = null;
        replacement.follower?.kill();
      };
    });
  }

  /** Asks everyone to leave. Nobody follows. */
  stop(departure: Departure): void {
    this.restart.unsubscribe();
    for (const life of this.living) life.stop(departure);
  }

  /** Ends everyone now. Nobody follows. */
  kill(): void {
    this.restart.unsubscribe();
    for (const life of this.living) life.kill();
  }

  onReady(life: Life, address: ProcessAddress): void {
    this.group.emit({ type: 'ready', process: this.index, pid: life.pid });
    if (life === this.replacement?.follower) this.handOver(this.replacement, life);
    this.group.onReady(address);
  }

  onEnd(life: Life, cause: Error | undefined): void {
    this.living.delete(life);
    const { replacement } = this;
    if (this.group.phase === 'ending') this.onLeft(life, cause);
    else if (life === this.current) this.onCrash(life, cause);
    else if (life === replacement?.follower) this.onFollowerFailed(replacement, this.failureOf(life, cause));
    else {
      this.onLeft(life, cause);
      if (life === replacement?.leaver) this.complete(replacement);
    }
    this.group.onEnd();
  }

  private handOver(replacement: Replacement, follower: Life): void {
    const leaver = this.current;
    this.current = follower;
    this.crashes = 0;
    replacement.follower = null;
    replacement.leaver = leaver;
    if (leaver === null) this.complete(replacement);
    else leaver.stop(replacement.departure);
  }

  private complete(replacement: Replacement): void {
    this.replacement = null;
    replacement.subscriber.complete();
  }

  private onLeft({ pid, ending }: Life, error: Error | undefined): void {
    this.group.emit({ type: 'left', process: this.index, pid, ending, error });
  }

  private onCrash(life: Life, cause: Error | undefined): void {
    this.current = null;
    const { phase, scheduler } = this.group;
    const { pid, ending, readySince } = life;
    if (phase === 'starting' && readySince === undefined) {
      this.group.onStartFailed(this.failureOf(life, cause));
      return;
    }
    const wasHealthy = readySince !== undefined && scheduler.now() - readySince >= HEALTHY_MS;
    this.crashes = wasHealthy ? 1 : this.crashes + 1;
    const restartInMs = backoffMs(this.crashes);
    this.group.emit({ type: 'crashed', process: this.index, pid, ending, error: cause, restartInMs });
    this.startAgain(restartInMs);
  }

  /** The old one goes on; if it has crashed in the meantime, its place is filled as after any crash. */
  private onFollowerFailed(replacement: Replacement, error: Error): void {
    this.replacement = null;
    this.group.emit({ type: 'replace-failed', process: this.index, error });
    if (this.current === null) this.startAgain(backoffMs(++this.crashes));
    replacement.subscriber.error(error);
  }

  private startAgain(afterMs: number): void {
    if (this.replacement?.follower) return; // it will fill the place
    this.restart = this.group.scheduler.schedule(() => this.start(), afterMs);
  }

  private failureOf({ ending }: Life, cause: Error | undefined): Error {
    const why = cause === undefined ? `it ended with ${ending}` : messageOf(cause);
    return new HttpKitError('RHK_PROCESS_FAILED', `process ${this.index} did not start: ${why}`, { cause });
  }

  private spawn(): Life {
    const { host, startTimeoutMs, scheduler } = this.group;
    const life = new Life(host, this.index, startTimeoutMs, scheduler, this);
    this.living.add(life);
    return life;
  }
}
