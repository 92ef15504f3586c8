/** All that a test has of time: RxJS's scheduler, the servers' clock on it, and what the clients will do. */
import type { TestScheduler } from 'rxjs/testing';
import { Agenda } from './agenda.js';
import { VirtualClock } from './virtual-clock.js';

export class VirtualTime {
  readonly scheduler: TestScheduler;
  readonly clock: VirtualClock;
  readonly agenda: Agenda;

  constructor(scheduler: TestScheduler) {
    this.scheduler = scheduler;
    this.clock = new VirtualClock(scheduler);
    this.agenda = new Agenda(scheduler);
  }
}
