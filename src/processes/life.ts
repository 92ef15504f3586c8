/** One process from its start to its end, with the two deadlines that it has. */
import type { SchedulerLike, Subscription } from 'rxjs';
import { messageOf } from '../errors.js';
import type { Departure, ProcessAddress, ProcessHost, ProcessListener, ProcessPort } from './contracts.js';

/** Who follows a life. */
export interface LifeListener {
  onReady(life: Life, address: ProcessAddress): void;
  /** @param cause - Why it did not start; `undefined` where it had, or nobody knows. */
  onEnd(life: Life, cause: Error | undefined): void;
}

/** What a process may take beyond its `timeout`, to run finalizers and to end: then it hangs, and is killed. */
const KILL_GRACE_MS = 1_000;

export class Life implements ProcessListener {
  readonly index: number;
  /** When it began to serve; `undefined` before. */
  readySince: number | undefined;
  /** How it ended, in words: `exit code 1`, `SIGKILL`. */
  ending: string;
  private readonly listener: LifeListener;
  private readonly scheduler: SchedulerLike;
  private readonly port: ProcessPort;
  private cause: Error | undefined;
  private deadline: Subscription | undefined;
  private isLeaving: boolean;

  constructor(host: ProcessHost, index: number, startTimeoutMs: number, scheduler: SchedulerLike, listener: LifeListener) {
    this.index = index;
    this.readySince = undefined;
    this.ending = '';
    this.listener = listener;
    this.scheduler = scheduler;
    this.cause = undefined;
    this.isLeaving = false;
    this.port = host.spawn(index, this);
    this.deadline = undefined;
    this.killAfter(startTimeoutMs, `did not listen within ${startTimeoutMs} ms (startTimeoutMs)`);
  }

  get pid(): number {
    return this.port.pid;
  }

  /** Asks it to drain and to end, and ends it when it does not. */
  stop(departure: Departure): void {
    this.isLeaving = true;
    this.killAfter(departure.timeout + KILL_GRACE_MS, `did not end within ${departure.timeout} ms`);
    this.port.stop(departure);
  }

  kill(): void {
    this.port.kill();
  }

  onReady(address: ProcessAddress): void {
    if (this.isLeaving) return; // it was told to end before that
    this.deadline?.unsubscribe();
    this.readySince = this.scheduler.now();
    this.listener.onReady(this, address);
  }

  onFailed(error: Error): void {
    this.cause = error;
  }

  onExit(code: number | null, signal: string | null): void {
    this.deadline?.unsubscribe();
    this.ending = signal ?? `exit code ${messageOf(code)}`;
    this.listener.onEnd(this, this.cause);
  }

  private killAfter(milliseconds: number, complaint: string): void {
    this.deadline?.unsubscribe();
    if (milliseconds === Infinity) return;
    this.deadline = this.scheduler.schedule(() => {
      this.cause ??= new Error(complaint);
      this.port.kill();
    }, milliseconds);
  }
}
