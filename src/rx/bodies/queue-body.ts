/**
 * A streamed reply whose source may be faster than its client: items pass an outbound queue, with exact credit.
 *
 * Owns: encoding, when the source is opened and let go, that the end comes behind what waits. Leaves: policy and counts to
 * `outbound-queue.ts`, credit to whoever subscribes: a reply pauses the pieces while its client takes none.
 */
import { type Observable, Subscriber, type Subscription, type TeardownLogic, throwError } from 'rxjs';
import { HandlerError, OverloadError } from '../../errors.js';
import { EncodedMessage, type Outgoing, octetsOf } from '../../protocol/encoded-message.js';
import { OutboundQueue, type QueueLimits, type QueueSink } from '../queues/outbound-queue.js';
import { type Faucet, isPausable, PausableSource, type PausableSubscription } from '../demand/pausable.js';
import type { ChannelCounts, Drop } from '../queues/queue-gauge.js';
import { type BodyPiece, isPiece } from '../response.js';

/**
 * What makes the items of one body. An object, and not functions of its own for each client: what one event touches of 2,000 clients is what
 * it costs.
 */
export interface QueueBodyOptions<T> {
  /** Shared by all bodies of one handler. */
  readonly limits: QueueLimits<T>;
  /** What it throws ends the reply. */
  encode(item: T): Outgoing;
  /**
   * Called once, when the head of the reply is on its way; what it returns is torn down when the reply has ended, or its client
   * has gone.
   */
  open(outlet: QueueOutlet<T>): TeardownLogic;
}

/** Where the items of a {@link QueueBody} go. */
export interface QueueOutlet<T> {
  /** Sends an item. @returns Whether it was sent or waits: not when the reply is over, or the overflow policy refused it. */
  send(item: T): boolean;
  /** Writes a piece past the queue if it would leave at once, else nothing: a sign of life. @returns Whether it was written. */
  write(piece: BodyPiece): boolean;
  /** Writes a piece before all items, whether it would leave at once or not: what a client must be told. Without effect behind the first item that waits. */
  announce(piece: BodyPiece): void;
  /**
   * Sends what a source emits, and ends or fails with it. One that can be paused is, while the client takes nothing.
   *
   * @param lastPiece - As for `end`, when the source completes.
   * @throws {@link HandlerError} `RHK_CANNOT_SUSPEND` for another one where the policy is `suspend()`.
   */
  follow(source$: Observable<T>, lastPiece?: BodyPiece): Subscription;
  /** Ends the reply behind what waits, and behind `lastPiece`. */
  end(lastPiece?: BodyPiece): void;
  /** Ends the reply so that the client can tell: a cut; a 500 where the head has not left yet. */
  fail(error: unknown): void;
  readonly counts: ChannelCounts;
  readonly buffered$: Observable<number>;
  readonly writable$: Observable<boolean>;
  readonly dropped$: Observable<Drop>;
}

/** A body to be answered with: `{ headers, body: new QueueBody({ encode, open }) }`. */
export class QueueBody<T> extends PausableSource<BodyPiece> {
  private readonly options: QueueBodyOptions<T> | (() => QueueBodyOptions<T>);

  /** @param options - A function where each subscription needs its own. */
  constructor(options: QueueBodyOptions<T> | (() => QueueBodyOptions<T>)) {
    super();
    this.options = options;
  }

  open(subscriber: Subscriber<BodyPiece>): Faucet {
    const { options } = this;
    return new QueueRun(typeof options === 'function' ? options() : options, subscriber);
  }
}

/** @throws {@link HandlerError} where the policy is `suspend()` and the source cannot wait. */
export const requirePausable = (source$: Observable<unknown>, { overflow }: { readonly overflow: { readonly policy: string } }): void => {
  if (overflow.policy !== 'suspend' || isPausable(source$)) return;
  throw new HandlerError('RHK_CANNOT_SUSPEND', 'suspend() was given an Observable that cannot be paused; fromReadable makes one that can');
};

/** One reply. */
class QueueRun<T> implements Faucet, QueueSink<BodyPiece>, QueueOutlet<T> {
  private readonly options: QueueBodyOptions<T>;
  private readonly limits: QueueLimits<T>;
  private readonly subscriber: Subscriber<BodyPiece>;
  private readonly queue: OutboundQueue<T, BodyPiece>;
  private followed: PausableSubscription[];
  private isFlowing: boolean;
  private hasOpened: boolean;
  /** A piece is with the subscriber, who may pause and resume within. */
  private isTransmitting: boolean;
  private isEnding: boolean;
  private lastPiece: BodyPiece | undefined;

  constructor(options: QueueBodyOptions<T>, subscriber: Subscriber<BodyPiece>) {
    this.options = options;
    this.limits = options.limits;
    this.subscriber = subscriber;
    this.queue = new OutboundQueue<T, BodyPiece>(this, this.limits);
    this.followed = [];
    this.isFlowing = false;
    this.hasOpened = false;
    this.isTransmitting = false;
    this.isEnding = false;
    this.lastPiece = undefined;
  }

  // ── for the reply ─────────────────────────────────────────────────────────────────────────────────────────────────

  pause(): void {
    this.isFlowing = false;
    if (!this.isTransmitting) this.queue.revoke();
  }

  resume(): void {
    this.isFlowing = true;
    if (!this.isTransmitting) this.queue.grant();
    if (!this.hasOpened) this.start();
  }

  private start(): void {
    const { subscriber } = this;
    this.hasOpened = true;
    subscriber.add(() => this.queue.close('closed')); // before the source is let go: what it says then comes too late
    try {
      subscriber.add(this.options.open(this));
    } catch (error) {
      this.fail(error);
    }
  }

  transmit(piece: BodyPiece): boolean {
    this.isTransmitting = true;
    this.subscriber.next(piece);
    this.isTransmitting = false;
    return this.isFlowing;
  }

  octetsOf(piece: BodyPiece): number {
    return octetsOf(piece);
  }

  onQueueChange(): void {
    if (this.isEnding && this.mayFinish) return this.finish();
    if (this.followed.length === 0) return;
    this.followed = this.followed.filter((source) => !source.closed);
    for (const source of this.followed) {
      if (this.queue.isWritable) source.resume();
      else source.pause();
    }
  }

  onOverflow(limit: string, dropped: number): void {
    this.fail(overflowError(this.limits.overflow.policy, limit, dropped));
  }

  report(error: unknown): void {
    throwError(() => error).subscribe(); // as RxJS does with what nobody listens to
  }

  // ── for the source ────────────────────────────────────────────────────────────────────────────────────────────────

  send(item: T): boolean {
    if (this.isEnding || this.queue.isClosed) return false;
    try {
      const message = this.options.encode(item);
      const piece = message instanceof EncodedMessage ? message.message : message;
      if (!isPiece(piece)) throw new HandlerError('RHK_BAD_REPLY', `a piece of the reply body is a ${typeof piece}, not a string or bytes`);
      return this.queue.offer(piece, item);
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  write(piece: BodyPiece): boolean {
    if (this.isEnding || !this.queue.isWritable) return false;
    if (!this.transmit(piece)) this.queue.revoke();
    return true;
  }

  announce(piece: BodyPiece): void {
    if (this.isEnding || this.queue.isClosed || this.queue.waiting > 0) return;
    if (!this.transmit(piece)) this.queue.revoke();
  }

  follow(source$: Observable<T>, lastPiece?: BodyPiece): Subscription {
    requirePausable(source$, this.limits);
    const following = new Following(this, lastPiece);
    this.subscriber.add(following);
    if (isPausable(source$)) {
      const source: PausableSubscription = source$.subscribePausable(following);
      this.followed.push(source);
      if (this.queue.isWritable) source.resume();
    } else source$.subscribe(following);
    return following;
  }

  end(lastPiece?: BodyPiece): void {
    if (this.isEnding || this.queue.isClosed) return;
    this.isEnding = true;
    this.lastPiece = lastPiece;
    if (this.mayFinish) this.finish();
  }

  fail(error: unknown): void {
    this.queue.close('closed');
    this.subscriber.error(error);
  }

  get counts(): ChannelCounts {
    return this.queue.counts;
  }

  get buffered$(): Observable<number> {
    return this.queue.gauge.buffered$;
  }

  get writable$(): Observable<boolean> {
    return this.queue.gauge.writable$;
  }

  get dropped$(): Observable<Drop> {
    return this.queue.gauge.dropped$;
  }

  /** The last piece waits for credit, too: behind a large item it would find the reply cut. */
  private get mayFinish(): boolean {
    return this.lastPiece === undefined ? this.queue.waiting === 0 : this.queue.isWritable;
  }

  private finish(): void {
    const { subscriber, lastPiece } = this;
    this.queue.close('closed'); // nothing waits
    if (lastPiece !== undefined) subscriber.next(lastPiece);
    subscriber.complete();
  }
}

/** What a queue says that its policy cannot keep within its limits. */
export const overflowError = (policy: string, limit: string, dropped: number): OverloadError | HandlerError =>
  policy === 'suspend'
    ? new HandlerError(
        'RHK_CANNOT_SUSPEND',
        `what sends to a client with suspend() did not wait, ${dropped} messages were dropped, limit ${limit}`,
      )
    : new OverloadError('RHK_SLOW_CLIENT', `a slow client was cut and ${dropped} messages were dropped, limit ${limit}`);

class Following<T> extends Subscriber<T> {
  private readonly outlet: QueueOutlet<T>;
  private readonly lastPiece: BodyPiece | undefined;

  constructor(outlet: QueueOutlet<T>, lastPiece: BodyPiece | undefined) {
    super();
    this.outlet = outlet;
    this.lastPiece = lastPiece;
  }

  protected override _next(item: T): void {
    this.outlet.send(item);
  }

  // The source is let go behind what its client is told: a finalizer may throw.

  protected override _error(error: unknown): void {
    this.outlet.fail(error);
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.outlet.end(this.lastPiece);
    this.unsubscribe();
  }
}
