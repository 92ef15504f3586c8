/**
 * What waits for one client that takes less than it is sent: one machine for WebSockets, HTTP channels and streamed replies.
 *
 * Owns: order, limits, what the overflow policy does, the counts. Leaves: bytes and credit to its sink, the end of a client to
 * whoever owns the queue. With credit and nothing waiting a message goes straight through; nothing is allocated before one waits.
 */
import type { OverflowPolicy } from './overflow.js';
import { type ChannelCounts, type DropReason, QueueGauge } from './queue-gauge.js';
import { WaitingMessages } from './waiting-messages.js';

export interface QueueLimits<T> {
  readonly overflow: OverflowPolicy<T>;
  /** Messages that may wait. */
  readonly queueSize: number;
  /** Octets that may wait; a larger message may wait alone. */
  readonly maxBufferedBytes: number;
}

/** Where messages leave to. */
export interface QueueSink<M> {
  /** @returns false when the client's credit is used up: the next message waits until `grant`. */
  transmit(message: M): boolean;
  octetsOf(message: M): number;
  /** Credit has come or gone, or nothing waits any more. */
  onQueueChange(): void;
  /** More is offered than may wait, and the policy drops nothing: what waited is dropped, and the queue is closed. */
  onOverflow(limit: string, dropped: number): void;
  /** What was thrown by who watches the queue. */
  report(error: unknown): void;
}

export class OutboundQueue<T, M> {
  /** It takes nothing any more. */
  isClosed: boolean;
  private readonly sink: QueueSink<M>;
  private readonly limits: QueueLimits<T>;
  private hasCredit: boolean;
  private isTransmitting: boolean;
  private sent: number;
  private dropped: number;
  /** Never kept empty, but while a step is being taken. */
  private messages: WaitingMessages<M> | null;
  private lazyGauge: QueueGauge | null;

  /** Has no credit before the first `grant`. @param limits - Shared by all queues of one handler. */
  constructor(sink: QueueSink<M>, limits: QueueLimits<T>) {
    this.isClosed = false;
    this.sink = sink;
    this.limits = limits;
    this.hasCredit = false;
    this.isTransmitting = false;
    this.sent = 0;
    this.dropped = 0;
    this.messages = null;
    this.lazyGauge = null;
  }

  get waiting(): number {
    return this.messages === null ? 0 : this.messages.length;
  }

  /** A message that is offered now would leave now. */
  get isWritable(): boolean {
    return this.hasCredit && this.messages === null && !this.isClosed;
  }

  get counts(): ChannelCounts {
    const { sent, dropped, waiting } = this;
    return { offered: sent + dropped + waiting, sent, dropped, waiting, waitingBytes: this.messages?.octets ?? 0 };
  }

  get gauge(): QueueGauge {
    return (this.lazyGauge ??= new QueueGauge(this, (error) => this.sink.report(error)));
  }

  /**
   * Sends a message, keeps it, or does what the policy says.
   *
   * @param value - What the message was made of, for `conflate`.
   * @returns Whether it was sent or waits. A message that waits may be dropped later.
   */
  offer(message: M, value: T): boolean {
    if (this.isClosed) return false;
    if (!this.hasCredit || this.messages !== null || this.isTransmitting) return this.hold(message, value);
    this.transmit(message);
    if (this.messages !== null) this.drain();
    else if (!this.hasCredit) this.onChange();
    return !this.isClosed;
  }

  /** The client has credit: what waits leaves, in order. */
  grant(): void {
    if (this.hasCredit || this.isClosed) return;
    this.hasCredit = true;
    if (this.isTransmitting) this.onChange();
    else this.drain();
  }

  /** There is no credit until the next `grant`. */
  revoke(): void {
    if (!this.hasCredit) return;
    this.hasCredit = false;
    this.onChange();
  }

  /** The client is gone, or has got all: what waits is dropped, and nothing is taken any more. */
  close(reason: DropReason): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { waiting } = this;
    this.messages = null;
    if (waiting > 0) this.drop(reason, waiting);
    this.lazyGauge?.show(this);
  }

  private drain(): void {
    while (this.hasCredit && this.messages !== null) {
      const message = this.messages.shift() as M; // never kept empty
      if (this.messages.length === 0) this.messages = null;
      this.transmit(message);
    }
    this.onChange();
  }

  /** What is offered meanwhile, by a body of the application or an operator behind the channel, waits: it comes behind this one. */
  private transmit(message: M): void {
    this.sent++;
    this.isTransmitting = true;
    try {
      this.hasCredit = this.sink.transmit(message);
    } finally {
      this.isTransmitting = false;
    }
  }

  private hold(message: M, value: T): boolean {
    const { overflow } = this.limits;
    const key = overflow.policy === 'conflate' ? overflow.keyOf(value) : undefined; // before anything changes, as it may throw
    if (this.isClosed) return false; // by `keyOf`
    const octets = this.sink.octetsOf(message);
    const messages = (this.messages ??= new WaitingMessages());
    switch (overflow.policy) {
      case 'conflate':
        this.conflate(messages, message, octets, key, overflow.maxKeys);
        break;
      case 'latest':
        if (messages.shift() !== undefined) this.drop('latest', 1);
        messages.push(message, octets);
        break;
      case 'drop-oldest':
        this.makeRoom(messages, octets);
        messages.push(message, octets);
        break;
      default:
        if (!this.fits(messages, octets)) return this.refuse(overflow.policy);
        messages.push(message, octets);
    }
    if (this.isTransmitting) this.onChange();
    else this.lazyGauge?.show(this);
    return true;
  }

  private fits(messages: WaitingMessages<M>, octets: number): boolean {
    const { queueSize, maxBufferedBytes } = this.limits;
    return messages.length === 0 || (messages.length < queueSize && messages.octets + octets <= maxBufferedBytes);
  }

  private makeRoom(messages: WaitingMessages<M>, octets: number): void {
    let dropped = 0;
    while (!this.fits(messages, octets)) {
      messages.shift();
      dropped++;
    }
    if (dropped > 0) this.drop('drop-oldest', dropped);
  }

  private conflate(messages: WaitingMessages<M>, message: M, octets: number, key: unknown, maxKeys: number): void {
    const { queueSize, maxBufferedBytes } = this.limits;
    if (messages.put(key, message, octets)) this.drop('conflate', 1);
    const tooManyKeys = messages.shrink(key, Math.min(maxKeys, queueSize), Infinity);
    if (tooManyKeys > 0) this.drop('max-keys', tooManyKeys);
    const tooManyOctets = messages.shrink(key, Infinity, maxBufferedBytes);
    if (tooManyOctets > 0) this.drop('max-bytes', tooManyOctets);
  }

  /** The message finds no room. */
  private refuse(policy: 'drop-newest' | 'disconnect' | 'suspend'): boolean {
    if (policy === 'drop-newest') {
      this.drop(policy, 1);
      this.lazyGauge?.show(this);
      return false;
    }
    const { queueSize, maxBufferedBytes } = this.limits;
    const { waiting } = this;
    const limit = waiting >= queueSize ? `${queueSize} messages (queueSize)` : `${maxBufferedBytes} octets (maxBufferedBytes)`;
    this.isClosed = true;
    this.messages = null;
    this.drop(policy, waiting + 1);
    this.sink.onOverflow(limit, waiting + 1);
    this.lazyGauge?.show(this);
    return false;
  }

  private drop(reason: DropReason, count: number): void {
    this.dropped += count;
    this.lazyGauge?.note({ reason, count, total: this.dropped });
  }

  private onChange(): void {
    this.sink.onQueueChange();
    this.lazyGauge?.show(this);
  }
}
