/**
 * Threads, and the queue for them.
 *
 * Owns: who is run where, who waits, who is refused, and that a thread which dies is replaced. Leaves: what a thread is to
 * `worker-thread.ts`, what is run to its jobs.
 *
 * A thread is busy with a job from when it is given one until it has said its first word about the reply: a stream that goes on,
 * or a WebSocket, occupies nobody.
 */
import { HandlerError, messageOf, OverloadError } from '../errors.js';
import { Place, PlaceQueue } from '../rx/admission/place-queue.js';
import type { Cancel, Clock } from '../transport/contracts.js';

/** What a thread can be given. */
export abstract class Job extends Place {
  /** It stands in the queue. */
  abstract onWaiting(): void;

  /** It will not be run. Must not throw. */
  abstract fail(error: unknown): void;
}

/** One thread, as the pool knows it. */
export interface PoolThread<J> {
  /** Jobs that it has said nothing about yet. */
  readonly inWork: number;
  /** All that it has: those, and those whose replies go on. */
  readonly held: number;
  give(job: J): void;
  /** Ends it, behind all that it was told before. `onExit` follows. */
  stop(): void;
}

export interface PoolThreadListener {
  /** It can be given jobs. */
  onReady(): void;
  /** It has said something about a job. */
  onFree(): void;
  /** It can be given no job any more, and has failed those that it had. Called once, unless it was stopped. */
  onEnd(error: unknown): void;
  /** Something went wrong that no exchange can be told of any more. */
  onReport(error: unknown): void;
  /** Nothing is left of it. */
  onExit(): void;
}

export interface WorkerPoolOptions {
  readonly thread: number;
  readonly workerNamePrefix: string;
  /** Jobs that may wait. */
  readonly queueSize: number;
  /** Jobs that a thread may be busy with. */
  readonly requestsPerThread: number;
}

/** What the threads have to do, now. */
export interface WorkersLoad {
  /** Threads that are ready. */
  readonly threads: number;
  /** Requests that wait for a thread; at most `queueSize`. */
  readonly waiting: number;
  /** Requests that a thread is busy with, which have no reply yet. */
  readonly busy: number;
  /** All that threads have: those, and those whose streams and WebSockets go on. */
  readonly open: number;
}

/** What a replacement waits for: 100 ms, and each time twice as long up to half a minute, unless its predecessor has lived that long. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 30_000;

const State = { STARTING: 0, RUNNING: 1, RESTING: 2, FAILED: 3, STOPPED: 4 } as const;

export class WorkerPool<J extends Job> {
  private readonly options: WorkerPoolOptions;
  private readonly create: (name: string, listener: PoolThreadListener) => PoolThread<J>;
  private readonly clock: Clock;
  private readonly onFailure: (error: unknown) => void;
  private readonly waiting: PlaceQueue<J>;
  private readonly slots: Slot<J>[];
  private state: number;
  /** Threads that something is left of. */
  private alive: number;
  private startError: unknown;
  private onStarted: (error: unknown) => void;
  private readonly onGone: (() => void)[];

  /** @param onFailure - Told of each thread that died, and of what a thread cannot tell any exchange. */
  constructor(
    options: WorkerPoolOptions,
    create: (name: string, listener: PoolThreadListener) => PoolThread<J>,
    clock: Clock,
    onFailure: (error: unknown) => void,
  ) {
    this.options = options;
    this.create = create;
    this.clock = clock;
    this.onFailure = onFailure;
    this.waiting = new PlaceQueue();
    this.slots = Array.from({ length: options.thread }, (_, i) => new Slot<J>(`${options.workerNamePrefix}${i + 1}`));
    this.state = State.STARTING;
    this.alive = 0;
    this.startError = undefined;
    this.onStarted = () => {};
    this.onGone = [];
  }

  get load(): WorkersLoad {
    const load = { threads: 0, waiting: this.waiting.size, busy: 0, open: 0 };
    for (const { isReady, thread } of this.slots) {
      if (!isReady || thread === null) continue;
      load.threads++;
      load.busy += thread.inWork;
      load.open += thread.held;
    }
    return load;
  }

  /** @param onStarted - Called once: when all threads are ready, or with the error of the first that cannot serve, when all have ended. */
  start(onStarted: (error: unknown) => void): void {
    this.onStarted = onStarted;
    for (const slot of this.slots) if (this.state === State.STARTING) this.open(slot);
  }

  /** Gives the job to an idle thread, or lets it wait for one. */
  enter(job: J): void {
    if (this.state === State.FAILED) return job.fail(this.startError);
    if (this.state === State.STOPPED) return job.fail(new OverloadError('RHK_ADMISSION_FULL', 'the threads have been stopped'));
    if (this.state === State.RESTING) this.wake();
    const slot = this.idlest();
    if (slot !== null) return slot.give(job);
    const { queueSize } = this.options;
    if (this.waiting.size < queueSize) {
      this.waiting.push(job);
      return job.onWaiting();
    }

    job.fail(new OverloadError('RHK_ADMISSION_FULL', `${this.waiting.size} requests wait for a thread, limit ${queueSize} (queueSize)`));
  }

  /** A job that waits is never run; without effect on any other. */
  leave(job: J): void {
    this.waiting.remove(job);
  }

  /** Ends all threads until there is a job again. `onRested` is called when nothing is left of them, or they are needed again. */
  rest(onRested: () => void): void {
    if (this.state !== State.RUNNING) return onRested();
    this.state = State.RESTING;
    this.onGone.push(onRested);
    for (const slot of this.slots) slot.stop();
    this.judge();
  }

  private wake(): void {
    this.state = State.RUNNING;
    for (const action of this.onGone.splice(0)) action();
    for (const slot of this.slots) {
      slot.deaths = 0;
      this.open(slot);
    }
  }

  /** Ends all threads. `onStopped` is called when nothing is left of them. */
  stop(onStopped: () => void): void {
    this.onGone.push(onStopped);
    if (this.state !== State.FAILED) this.state = State.STOPPED;
    this.shut();
  }

  private shut(): void {
    for (let job = this.waiting.shift(); job !== null; job = this.waiting.shift()) this.enter(job); // to be told why not
    for (const slot of this.slots) slot.stop();
    this.judge();
  }

  private judge(): void {
    if (this.alive > 0 || this.state < State.RESTING) return;
    const tell = this.onStarted;
    this.onStarted = () => {};
    tell(this.startError ?? new HandlerError('RHK_MODULE_FAILED', 'stopped before the threads were ready'));
    for (const action of this.onGone.splice(0)) action();
  }

  private idlest(): Slot<J> | null {
    let idlest: Slot<J> | null = null;
    let least = this.options.requestsPerThread;
    let held = Infinity;
    for (const slot of this.slots) {
      if (!slot.isReady || slot.thread === null) continue;
      const { inWork } = slot.thread;
      if (inWork > least || inWork >= this.options.requestsPerThread || (inWork === least && slot.thread.held >= held)) continue;
      idlest = slot;
      least = inWork;
      held = slot.thread.held;
    }
    return idlest;
  }

  // ── threads ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private open(slot: Slot<J>): void {
    let thread: PoolThread<J> | null = null;
    this.alive++;
    const isCurrent = (): boolean => slot.thread === thread;
    try {
      thread = this.create(slot.name, {
        onReady: () => isCurrent() && this.onReady(slot),
        onFree: () => isCurrent() && this.fill(slot),
        onEnd: (error) => isCurrent() && this.onEnd(slot, error),
        onReport: (error) => this.onFailure(error),
        onExit: () => {
          this.alive--;
          this.judge();
        },
      });
      slot.thread = thread;
    } catch (error) {
      this.alive--;
      this.onEnd(slot, error);
    }
  }

  private onReady(slot: Slot<J>): void {
    slot.isReady = true;
    slot.readySince = this.clock.now();
    if (this.state === State.STARTING && this.slots.every(({ isReady }) => isReady)) {
      this.state = State.RUNNING;
      const tell = this.onStarted;
      this.onStarted = () => {};
      tell(undefined);
    }
    this.fill(slot);
  }

  private fill(slot: Slot<J>): void {
    while (slot.isReady && slot.thread !== null && slot.thread.inWork < this.options.requestsPerThread) {
      const job = this.waiting.shift();
      if (job === null) return;
      slot.give(job);
    }
  }

  private onEnd(slot: Slot<J>, error: unknown): void {
    const livedMs = slot.isReady ? this.clock.now() - slot.readySince : 0;
    slot.thread = null;
    slot.isReady = false;
    if (this.state === State.STARTING) {
      this.state = State.FAILED;
      this.startError =
        error instanceof HandlerError && error.code === 'RHK_MODULE_FAILED'
          ? error
          : new HandlerError('RHK_MODULE_FAILED', `${slot.name} could not start: ${messageOf(error)}`, { cause: error });
      return this.shut();
    }
    if (this.state !== State.RUNNING) return;
    this.onFailure(error);
    slot.deaths = livedMs >= LAST_DELAY_MS ? 1 : slot.deaths + 1;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (slot.deaths - 1), LAST_DELAY_MS);
    slot.cancelStart = this.clock.after(delayMs, () => this.open(slot));
  }
}

/** The place of one thread and its replacements. */
class Slot<J extends Job> {
  readonly name: string;
  thread: PoolThread<J> | null;
  isReady: boolean;
  readySince: number;
  /** In a row. */
  deaths: number;
  cancelStart: Cancel;

  constructor(name: string) {
    this.name = name;
    this.thread = null;
    this.isReady = false;
    this.readySince = 0;
    this.deaths = 0;
    this.cancelStart = () => {};
  }

  give(job: J): void {
    this.thread?.give(job);
  }

  stop(): void {
    const { thread } = this;
    this.cancelStart();
    this.thread = null; // what it says from now on is nobody's business but its end
    this.isReady = false;
    thread?.stop();
  }
}
