/** The server's time, on the scheduler of a test. */
import { VirtualTimeScheduler } from 'rxjs';
import type { Cancel, Clock } from '../transport/contracts.js';

/**
 * Virtual time: one frame is a millisecond. Everything that is due in one frame is one turn of the event loop, so its end
 * comes behind all of it, in the same frame; the next turn is the next frame.
 */
export class VirtualClock implements Clock {
  private readonly scheduler: VirtualTimeScheduler;
  private readonly epoch: number;

  /** @param scheduler - A `TestScheduler` in its `run`, or one of the clock's own that `advance` drives. */
  constructor(scheduler: VirtualTimeScheduler = new VirtualTimeScheduler(), epoch: number = 0) {
    this.scheduler = scheduler;
    this.epoch = epoch;
  }

  get frame(): number {
    return this.scheduler.frame;
  }

  now(): number {
    return this.epoch + this.scheduler.frame;
  }

  after(milliseconds: number, action: () => void): Cancel {
    const scheduled = this.scheduler.schedule(() => action(), milliseconds);
    return () => scheduled.unsubscribe();
  }

  every(milliseconds: number, action: () => void): Cancel {
    let cancel: Cancel = () => {};
    const next = (): void => {
      cancel = this.after(milliseconds, () => {
        next();
        action();
      });
    };
    next();
    return () => cancel();
  }

  endOfTurn(action: () => void): void {
    this.scheduler.schedule(() => action());
  }

  nextTurn(action: () => void): void {
    this.scheduler.schedule(() => action(), 1);
  }

  /** Lets time pass. Not for a scheduler that drives itself. */
  advance(milliseconds: number): void {
    const until = this.scheduler.frame + milliseconds;
    this.scheduler.maxFrames = until;
    this.scheduler.flush();
    this.scheduler.frame = until;
  }

  /** Ends the current turn. */
  settle(): void {
    this.advance(0);
  }
}
