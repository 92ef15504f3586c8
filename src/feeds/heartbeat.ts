/** A sign of life after so much silence. */
import { asyncScheduler, type SchedulerAction, type Subscription } from 'rxjs';

/**
 * Beats when nothing was said for `silenceMs`, and again after each such silence. What is said costs a look at the clock and no
 * timer: one timer waits, and finds out when it fires how long it has to wait still.
 */
export class Heartbeat {
  private readonly silenceMs: number;
  private readonly timer: Subscription | undefined;
  private spokeAt: number;

  /** @param silenceMs - Infinity for none. */
  constructor(silenceMs: number, beat: () => void) {
    this.silenceMs = silenceMs;
    this.spokeAt = asyncScheduler.now();
    const look = function (this: SchedulerAction<Heartbeat>, heartbeat?: Heartbeat): void {
      if (heartbeat === undefined) return; // given when it was scheduled
      const msLeft = heartbeat.msLeft();
      // More is left only if the clock was set back: then nobody knows.
      if (msLeft <= 0 || msLeft > heartbeat.silenceMs) {
        heartbeat.speak();
        beat();
      }
      this.schedule(heartbeat, heartbeat.msLeft());
    };
    this.timer = silenceMs === Infinity ? undefined : asyncScheduler.schedule(look, silenceMs, this);
  }

  /** Something was said. @param at - Now, where that is known already. */
  speak(at: number = asyncScheduler.now()): void {
    this.spokeAt = at;
  }

  stop(): void {
    this.timer?.unsubscribe();
  }

  private msLeft(): number {
    return this.spokeAt + this.silenceMs - asyncScheduler.now();
  }
}
