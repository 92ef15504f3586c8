/** What clients will do, frame by frame: one action of the scheduler for each frame, as each costs it a sort of all. */
import type { TestScheduler } from 'rxjs/testing';
import { OptionError } from '../errors.js';

export class Agenda {
  private readonly scheduler: TestScheduler;
  private readonly acts: Map<number, (() => void)[]>;

  constructor(scheduler: TestScheduler) {
    this.scheduler = scheduler;
    this.acts = new Map();
  }

  /** Acts of one frame run one after another, in the order in which they were written. @param delay - Frames from now on. @throws {@link OptionError} behind the horizon. */
  add(delay: number, act: () => void): void {
    const { maxFrames } = this.scheduler;
    const frame = this.scheduler.frame + delay;
    if (frame > maxFrames) throw new OptionError('horizonMs', `is ${maxFrames}, and something is to happen at ${frame} ms: it never would`);
    const known = this.acts.get(frame);
    if (known !== undefined) {
      known.push(act);
      return;
    }
    const acts = [act];
    this.acts.set(frame, acts);
    this.scheduler.schedule(() => {
      this.acts.delete(frame); // what is added from now on comes behind
      for (const next of acts) next();
    }, delay);
  }
}
