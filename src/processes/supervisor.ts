/**
 * A group of processes that serve one address: started together, kept alive, replaced one by one, ended together.
 *
 * Owns: the life of the group. Leaves: each place in it to `slot.ts`, processes themselves to a {@link ProcessHost}.
 */
import {
  AsyncSubject,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  type Observable,
  type SchedulerLike,
  Subject,
  type Subscription,
  tap,
  throwError,
} from 'rxjs';
import type { Departure, ProcessAddress, ProcessHost } from './contracts.js';
import { type GroupPhase, Slot, type SlotGroup } from './slot.js';
import type { ProcessEvent } from './process-event.js';

export interface SupervisorOptions {
  readonly processes: number;
  /** Milliseconds until a new process must listen; past it, it is killed. */
  readonly startTimeoutMs: number;
}

/** Who follows a group. */
export interface SupervisorListener {
  /** All listen, for the first time. */
  onListening(address: ProcessAddress): void;
  /** One of the first could not start; all have ended, and nothing follows. */
  onStartFailed(error: Error): void;
  onEvent(event: ProcessEvent): void;
  /** The last one has ended after `stop` or `kill`: nothing follows. */
  onStopped(): void;
}

/** Replacements of all processes that one call, or several, asked for. */
interface Round {
  readonly departure: Departure;
  readonly done: AsyncSubject<never>;
}

const ENDING = 'the server stops: its processes are not replaced any more';

export class Supervisor implements SlotGroup {
  readonly host: ProcessHost;
  readonly scheduler: SchedulerLike;
  readonly startTimeoutMs: number;
  phase: GroupPhase;
  private readonly listener: SupervisorListener;
  private readonly slots: readonly Slot[];
  private readonly rounds: Subject<Round>;
  private readonly replacing: Subscription;
  /** The round that has not begun: it serves everyone who asks until it does. */
  private nextRound: Round | null;
  /** The one in work. */
  private round: Round | null;
  private startError: Error | null;
  private isOver: boolean;

  constructor(host: ProcessHost, options: SupervisorOptions, scheduler: SchedulerLike, listener: SupervisorListener) {
    this.host = host;
    this.scheduler = scheduler;
    this.startTimeoutMs = options.startTimeoutMs;
    this.phase = 'starting';
    this.listener = listener;
    this.slots = Array.from({ length: options.processes }, (_, place) => new Slot(place + 1, this));
    this.rounds = new Subject();
    this.replacing = this.rounds.pipe(concatMap((round) => this.run(round))).subscribe();
    this.nextRound = null;
    this.round = null;
    this.startError = null;
    this.isOver = false;
  }

  start(): void {
    for (const slot of this.slots) slot.start();
  }

  /**
   * Replaces all processes, one after the other: a new one listens before the old one drains, and has ended before the next. Asked
   * for while it is done already, it is done once more behind that.
   *
   * @returns Completes when all are replaced. Fails with the first that does not start, or when the group ends before that.
   */
  replace(departure: Departure): Observable<never> {
    if (this.phase === 'ending') return throwError(() => new Error(ENDING));
    if (this.nextRound !== null) return this.nextRound.done;
    const round: Round = { departure, done: new AsyncSubject() };
    this.nextRound = round;
    this.rounds.next(round);
    return round.done;
  }

  /** Lets all drain and end. */
  stop(departure: Departure): void {
    if (this.phase === 'ending') return;
    this.end();
    for (const slot of this.slots) slot.stop(departure);
    this.onEnd();
  }

  /** Ends all now, also those that drain. */
  kill(): void {
    this.end();
    for (const slot of this.slots) slot.kill();
    this.onEnd();
  }

  onReady(address: ProcessAddress): void {
    if (this.phase !== 'starting' || !this.slots.every((slot) => slot.isServing)) return;
    this.phase = 'running';
    this.listener.onListening(address);
  }

  onStartFailed(error: Error): void {
    this.startError = error;
    this.kill();
  }

  onEnd(): void {
    if (this.phase !== 'ending' || this.isOver || !this.slots.every((slot) => slot.isEmpty)) return;
    this.isOver = true;
    if (this.startError !== null) this.listener.onStartFailed(this.startError);
    else this.listener.onStopped();
  }

  emit(event: ProcessEvent): void {
    this.listener.onEvent(event);
  }

  private end(): void {
    this.phase = 'ending';
    this.replacing.unsubscribe();
    for (const round of [this.round, this.nextRound]) round?.done.error(new Error(ENDING));
    this.round = null;
    this.nextRound = null;
  }

  private run(round: Round): Observable<never> {
    return defer(() => {
      this.nextRound = null;
      this.round = round;
      return concat(...this.slots.map((slot) => slot.replace(round.departure)));
    }).pipe(
      tap({
        error: (error: unknown) => {
          this.round = null;
          round.done.error(error);
        },
        complete: () => {
          this.round = null;
          this.emit({ type: 'replaced' });
          round.done.complete();
        },
      }),
      catchError(() => EMPTY), // told to those who asked, and as an event
    );
  }
}
