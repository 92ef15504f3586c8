/**
 * Signs of life after so much silence, for all clients of one handler by one timer.
 *
 *     quietest ⇄ … ⇄ latest      in the order in which they were last told something; what is told moves its client to the end
 *
 * The timer waits for the quietest. What is said does not touch it: it finds out when it fires how long it has to wait still.
 */
import { asyncScheduler, type SchedulerAction, type Subscription, throwError } from 'rxjs';

/** A client that must hear something now and then. */
export interface Silent {
  /** So much silence. */
  beat(): void;
}

export class Heartbeats {
  private readonly silenceMs: number;
  /** A ring with itself in it: between its ends stands the head, which is no client. */
  private readonly head: Heartbeat;
  private timer: Subscription | null;
  /** When the timer fires. */
  private wakesAt: number;

  /** @param silenceMs - Infinity for none. */
  constructor(silenceMs: number) {
    this.silenceMs = silenceMs;
    this.head = new Heartbeat(NOBODY, 0);
    this.timer = null;
    this.wakesAt = 0;
  }

  /** A client that is told something now. */
  join(client: Silent): Heartbeat {
    const now = asyncScheduler.now();
    const heartbeat = new Heartbeat(client, now);
    if (this.silenceMs === Infinity) return heartbeat;
    heartbeat.enter(this, this.head);
    // A timer that is late, or far away, is one of another clock: of a virtual time that is over.
    if (this.timer === null || this.wakesAt < now || this.wakesAt - now > this.silenceMs) this.wake(this.msLeft(this.head.next, now));
    return heartbeat;
  }

  private wake(afterMs: number): void {
    this.timer?.unsubscribe();
    this.wakesAt = asyncScheduler.now() + afterMs;
    this.timer = asyncScheduler.schedule(look, afterMs, this);
  }

  /** Nobody may be there any more. */
  onLeave(): void {
    if (this.head.next !== this.head) return;
    this.timer?.unsubscribe();
    this.timer = null;
  }

  /** @returns Milliseconds until the next look; `null` where nobody is there. */
  beatWhoIsSilent(): number | null {
    for (;;) {
      const { next } = this.head;
      if (next === this.head) return null;
      const now = asyncScheduler.now();
      const msLeft = this.msLeft(next, now);
      if (msLeft > 0) {
        this.wakesAt = now + msLeft;
        return msLeft;
      }
      next.speak(now);
      try {
        next.client.beat();
      } catch (error) {
        throwError(() => error).subscribe(); // as RxJS does with what nobody listens to: the others are to live on
      }
    }
  }

  /** More is left than there can be only if the clock was set back: then nobody knows. */
  private msLeft({ spokeAt }: Heartbeat, now: number): number {
    const msLeft = spokeAt + this.silenceMs - now;
    return msLeft > this.silenceMs ? 0 : msLeft;
  }
}

function look(this: SchedulerAction<Heartbeats>, heartbeats?: Heartbeats): void {
  const afterMs = heartbeats?.beatWhoIsSilent() ?? null; // given when it was scheduled
  if (afterMs !== null) this.schedule(heartbeats, afterMs);
}

const NOBODY: Silent = { beat: () => {} };

/** One client in the ring, or beside it. */
export class Heartbeat {
  readonly client: Silent;
  next: Heartbeat;
  spokeAt: number;
  private previous: Heartbeat;
  private ring: Heartbeats | null;
  private head: Heartbeat | null;

  constructor(client: Silent, spokeAt: number) {
    this.client = client;
    this.next = this;
    this.spokeAt = spokeAt;
    this.previous = this;
    this.ring = null;
    this.head = null;
  }

  /** Behind all others. */
  enter(ring: Heartbeats, head: Heartbeat): void {
    this.ring = ring;
    this.head = head;
    this.link(head);
  }

  /** Something was said. @param at - Now, where that is known already. */
  speak(at: number = asyncScheduler.now()): void {
    if (at === this.spokeAt) return; // in its place already: those of one moment stand together, in any order
    this.spokeAt = at;
    const { head } = this;
    if (head === null || this.next === head) return;
    this.unlink();
    this.link(head);
  }

  /** Any number of times. */
  stop(): void {
    const { ring } = this;
    if (ring === null) return;
    this.ring = null;
    this.head = null;
    this.unlink();
    ring.onLeave();
  }

  private link(head: Heartbeat): void {
    const { previous } = head;
    this.previous = previous;
    this.next = head;
    previous.next = this;
    head.previous = this;
  }

  private unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
  }
}
