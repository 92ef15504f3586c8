/**
 * A channel and the line that its messages travel on.
 *
 * Owns: who listens, that everybody is told once and in order, that the first cause of an end counts, when the client is read.
 * Leaves: how a message travels to its line, `http-line.ts` or `websocket-line.ts`.
 */
import { Observable, type Observer, Subject, Subscriber, type Subscription } from 'rxjs';
import type { Channel, ChannelClose, SendOptions } from './channel.js';
import { completeAll } from '../queues/complete-all.js';
import { isSendableCode, SENDABLE_CODES } from '../queues/overflow.js';
import { type Faucet, isPacing, type PacingObserver, PausableSource, type PausableSubscription } from '../demand/pausable.js';
import type { ChannelCounts, Drop, QueueGauge } from '../queues/queue-gauge.js';
import type { HttpRequest } from '../request.js';

/** How messages leave a channel, and how demand reaches its client. */
export interface ChannelLine<O> {
  readonly isWebSocket: boolean;
  readonly queue: { readonly counts: ChannelCounts; readonly gauge: QueueGauge; readonly isWritable: boolean };
  /** The policy is `suspend()`: `channel.onWritable` is called when credit has come or gone. */
  readonly suspends: boolean;
  send(data: O, close: boolean): boolean;
  /** Ends the line; whatever was sent before leaves first. */
  close(code: number, reason: string): void;
  /** All is said; answers the client's close where there is one. */
  finish(): void;
  fail(error: unknown): void;
  demand(wants: boolean): void;
  report(error: unknown): void;
}

const NONE: readonly never[] = [];
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;
/** A close frame has room for so many octets of reason, RFC 6455 §5.5. */
const MAX_REASON_BYTES = 123;

export class LineChannel<I, O> extends PausableSource<I> implements Channel<I, O>, PacingObserver<O> {
  readonly request: HttpRequest;
  readonly protocol: string | undefined;
  private readonly line: ChannelLine<O>;
  private readonly messages: Subject<I>;
  /** Lists and not Subjects: an idle WebSocket costs 1.2 KB less, websocket-idle-memory. */
  private closeListeners: readonly ((close: ChannelClose) => void)[];
  private pingListeners: readonly ((data: Buffer) => void)[];
  private end: ChannelClose | null;
  /** Subscribers that have paused: while there is one, the client is not read. */
  private pausedReaders: number;
  /** With `suspend()`: sources that wait for credit. */
  private paced: PausableSubscription[] | null;
  /** With `suspend()`: the client is read only while there is credit. */
  private readsWithCredit: boolean;

  constructor(request: HttpRequest, line: ChannelLine<O>, protocol: string | undefined) {
    super();
    this.messages = new Subject();
    this.request = request;
    this.protocol = protocol;
    this.line = line;
    this.closeListeners = NONE;
    this.pingListeners = NONE;
    this.end = null;
    this.pausedReaders = 0;
    this.paced = null;
    this.readsWithCredit = line.suspends;
  }

  get closed$(): Observable<ChannelClose> {
    return new Observable((subscriber) => {
      const tell = (close: ChannelClose): void => {
        subscriber.next(close);
        subscriber.complete();
      };
      this.whenClosed(tell);
      return () => (this.closeListeners = this.closeListeners.filter((listener) => listener !== tell));
    });
  }

  get isOpen(): boolean {
    return this.end === null;
  }

  get isWebSocket(): boolean {
    return this.line.isWebSocket;
  }

  get buffered$(): Observable<number> {
    return this.line.queue.gauge.buffered$;
  }

  get writable$(): Observable<boolean> {
    return this.line.queue.gauge.writable$;
  }

  get dropped$(): Observable<Drop> {
    return this.line.queue.gauge.dropped$;
  }

  get counts(): ChannelCounts {
    return this.line.queue.counts;
  }

  /** As RxJS, but what a listener throws closes this channel with 1011 and becomes an event, instead of ending the process. */
  override subscribe(observerOrNext?: Partial<Observer<I>> | ((value: I) => void) | null): Subscription;
  override subscribe(
    next?: ((value: I) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    target?: Partial<Observer<I>> | ((value: I) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (target instanceof Subscriber || isPacing<I>(target)) return super.subscribe(target);
    const observer: Partial<Observer<I>> =
      typeof target === 'function' || target === null || target === undefined
        ? { next: target ?? undefined, error: error ?? undefined, complete: complete ?? undefined }
        : target;
    return super.subscribe({
      next: (message) => this.guard(() => observer.next?.(message)),
      error: (failure: unknown) => this.guard(() => observer.error?.(failure)),
      complete: () => this.guard(() => observer.complete?.()),
    });
  }

  open(subscriber: Subscriber<I>): Faucet {
    return new Listening(this, subscriber);
  }

  send(data: O, { close = !this.isWebSocket }: SendOptions = {}): boolean {
    if (this.end !== null || !this.line.send(data, close)) return false;
    if (close) this.settle({ status: 'server-close', code: this.isWebSocket ? NORMAL : undefined, reason: '', by: 'server' });
    return true;
  }

  next(data: O): void {
    if (this.end === null) this.line.send(data, false);
  }

  error(error: unknown): void {
    if (this.end !== null) return this.line.report(error);
    this.line.fail(error);
    this.settle({ status: 'server-close', code: this.isWebSocket ? INTERNAL_ERROR : undefined, reason: '', by: 'server' });
  }

  complete(): void {
    this.close();
  }

  close(code: number = NORMAL, reason: string = ''): boolean {
    if (!isSendableCode(code)) throw new RangeError(`close code is ${String(code)}, must be ${SENDABLE_CODES}`);
    if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
      throw new RangeError(`close reason is ${Buffer.byteLength(reason)} octets, limit ${MAX_REASON_BYTES}`);
    }
    if (this.end !== null) return false;
    this.line.close(code, reason);
    this.settle({ status: 'server-close', code: this.isWebSocket ? code : undefined, reason, by: 'server' });
    return true;
  }

  onReceive(listener: (message: I) => void): Subscription {
    return this.subscribe(listener);
  }

  onPing(listener: (data: Buffer) => void): void {
    this.pingListeners = this.pingListeners.concat(listener);
  }

  onClose(listener: (close: ChannelClose) => void): void {
    this.whenClosed((close) => this.guard(() => listener(close)));
  }

  // ── demand ────────────────────────────────────────────────────────────────────────────────────────────────────────

  join(subscriber: Subscriber<I>, listening: Listening<I>): void {
    this.messages.subscribe(subscriber);
    subscriber.add(listening);
    this.balance(); // last: what waits comes at once, and may be enough
  }

  /** A subscriber has gone, paused (1) or gone on (-1). */
  balance(paused: -1 | 0 | 1 = 0): void {
    this.pausedReaders += paused;
    const { messages, line } = this;
    const wants = messages.observed && this.pausedReaders === 0 && (!this.readsWithCredit || line.queue.isWritable);
    if (!wants || !messages.isStopped) line.demand(wants);
  }

  get pacesSources(): boolean {
    return this.line.suspends;
  }

  pace(source: PausableSubscription): void {
    this.paced ??= [];
    this.paced.push(source);
    if (this.line.queue.isWritable) source.resume();
  }

  /** What is sent comes of `source` alone, which is paced: what the client says has nothing to do with it. */
  paceOnly(source: PausableSubscription): void {
    this.readsWithCredit = false;
    this.pace(source);
  }

  /** With `suspend()`: credit has come or gone. */
  onWritable(): void {
    if (this.paced !== null) {
      this.paced = this.paced.filter((source) => !source.closed);
      for (const source of this.paced) {
        if (this.line.queue.isWritable) source.resume();
        else source.pause();
      }
    }
    if (this.readsWithCredit) this.balance();
  }

  // ── for the lines ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** An operator that drives this channel has completed. */
  finish(): void {
    if (this.end === null) this.line.finish();
  }

  receive(message: I): void {
    try {
      this.messages.next(message);
    } catch (error) {
      this.line.report(error); // an operator failed, and then a finalizer threw
    }
  }

  receivePing(data: Buffer): void {
    for (const listener of this.pingListeners) this.guard(() => listener(data));
  }

  /** The client will say nothing more. */
  endMessages(): void {
    completeAll(this.messages, (error) => this.line.report(error));
  }

  get hasReader(): boolean {
    return this.messages.observed;
  }

  /** The first cause counts. */
  settle(close: ChannelClose): void {
    if (this.end !== null) return;
    this.end = close;
    this.endMessages();
    const listeners = this.closeListeners;
    this.closeListeners = NONE;
    for (const listener of listeners) {
      try {
        listener(close);
      } catch (error) {
        this.line.report(error); // a finalizer threw
      }
    }
  }

  private whenClosed(listener: (close: ChannelClose) => void): void {
    if (this.end !== null) listener(this.end);
    else this.closeListeners = this.closeListeners.concat(listener);
  }

  /** What a function of the application throws ends this channel, and nothing else. */
  guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.error(error);
    }
  }
}

const State = { AT_REST: 0, FLOWING: 1, PAUSED: 2, OVER: 3 } as const;

/** One subscriber of a channel. At rest it hears nothing, and keeps nobody from hearing; paused it keeps the client from being read. */
class Listening<I> implements Faucet {
  private readonly channel: LineChannel<I, never>;
  private readonly subscriber: Subscriber<I>;
  private state: number;

  constructor(channel: LineChannel<I, never>, subscriber: Subscriber<I>) {
    this.channel = channel;
    this.subscriber = subscriber;
    this.state = State.AT_REST;
  }

  pause(): void {
    if (this.state !== State.FLOWING) return;
    this.state = State.PAUSED;
    this.channel.balance(1);
  }

  resume(): void {
    const { state } = this;
    if (state !== State.AT_REST && state !== State.PAUSED) return;
    this.state = State.FLOWING;
    if (state === State.AT_REST) this.channel.join(this.subscriber, this);
    else this.channel.balance(-1);
  }

  /** The subscriber has gone. */
  unsubscribe(): void {
    const wasPaused = this.state === State.PAUSED;
    this.state = State.OVER;
    this.channel.balance(wasPaused ? -1 : 0);
  }
}
