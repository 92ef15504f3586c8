/**
 * The end of the current turn of the event loop, for everybody who has something to send: asked for once, however many
 * replies, chunks or frames were made in it.
 */
import type { Clock } from './contracts.js';

export interface TurnTask {
  /** Must not throw. */
  onTurnEnd(): void;
}

export class Turn {
  private readonly clock: Clock;
  private tasks: TurnTask[];
  private readonly run: () => void;

  constructor(clock: Clock) {
    this.clock = clock;
    this.tasks = [];
    this.run = () => {
      const tasks = this.tasks;
      this.tasks = [];
      for (const task of tasks) task.onTurnEnd();
    };
  }

  /** A task that is added twice runs twice: the caller remembers that it has asked. */
  add(task: TurnTask): void {
    if (this.tasks.push(task) === 1) this.clock.endOfTurn(this.run);
  }
}
