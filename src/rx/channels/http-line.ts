/**
 * A channel on HTTP: its first message fixes status and headers of the reply, and every message is a piece of the body, or a
 * body in its own right.
 *
 * Owns: what the first message means, and the end. Leaves: what waits to `outbound-queue.ts`, order of bodies to `body-relay.ts`.
 */
import type { Subscriber } from 'rxjs';
import { failureFrom, HttpKitError } from '../../errors.js';
import { EncodedMessage, octetsOf } from '../../protocol/encoded-message.js';
import type { ExchangePort } from '../../transport/contracts.js';
import { BodyRelay, type RelayOwner } from '../bodies/body-relay.js';
import type { Codec } from './codec.js';
import type { ChannelLine, LineChannel } from './line-channel.js';
import { OutboundQueue, type QueueLimits, type QueueSink } from '../queues/outbound-queue.js';
import { overflowError } from '../bodies/queue-body.js';
import { type Body, bodyOf, type HttpResponse, isPiece, isResponse, type Reply } from '../response.js';

export interface HttpLineOptions<I, O> extends QueueLimits<O> {
  readonly codec?: Codec<I, O> | undefined;
}

export class HttpLine<I, O> implements ChannelLine<O>, QueueSink<Body>, RelayOwner {
  readonly isWebSocket = false;
  readonly queue: OutboundQueue<O, Body>;
  readonly suspends: boolean;
  private readonly replies: Subscriber<Reply>;
  private readonly port: ExchangePort;
  private readonly options: HttpLineOptions<I, O>;
  private readonly relay: BodyRelay;
  /** Status and headers, until the first message leaves. */
  private head: HttpResponse;
  /** The first message, until the reply is subscribed. */
  private first: Body;
  private hasBegun: boolean;
  /** The message that is being sent is the only one. */
  private isOnly: boolean;
  /** This side has ended it. */
  hasEnded: boolean;
  /** An end that comes now is not the client's doing. */
  isSending: boolean;
  /** Set right after both were made: a channel and its line need each other. */
  private channel: LineChannel<I, O> | null;

  constructor(replies: Subscriber<Reply>, port: ExchangePort, options: HttpLineOptions<I, O>) {
    this.suspends = options.overflow.policy === 'suspend';
    this.replies = replies;
    this.port = port;
    this.options = options;
    this.queue = new OutboundQueue<O, Body>(this, options);
    this.relay = new BodyRelay(this);
    this.head = {};
    this.first = null;
    this.hasBegun = false;
    this.isOnly = false;
    this.hasEnded = false;
    this.isSending = false;
    this.channel = null;
    this.queue.grant(); // the first message begins the reply, whatever the client takes
  }

  connect(channel: LineChannel<I, O>): void {
    this.channel = channel;
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  send(data: O, close: boolean): boolean {
    if (this.hasEnded) return false; // it is being closed
    this.isSending = true;
    let isAccepted = false;
    try {
      const body = this.bodyFrom(data);
      this.isOnly = close && !this.hasBegun;
      isAccepted = this.queue.offer(body, data);
    } catch (error) {
      this.isSending = false;
      this.channel?.error(error);
      return false;
    }
    this.isSending = false;
    if (!isAccepted || this.replies.closed) return false; // refused, or none that can be sent
    if (close) this.finish();
    return true;
  }

  /** Where it is the first, its status and headers are kept for the reply. */
  private bodyFrom(data: O): Body {
    const { codec } = this.options;
    const message = data instanceof EncodedMessage ? data.message : codec?.encode(data);
    if (message !== undefined) {
      if (!this.hasBegun && codec?.contentType !== undefined) this.head = { headers: { 'content-type': codec.contentType } };
      return bodyOf(message);
    }
    const reply = data as Reply; // without a codec O is Reply
    const body = bodyOf(reply);
    if (!this.hasBegun && isResponse(reply)) this.head = reply;
    return body;
  }

  transmit(body: Body): boolean {
    return this.hasBegun ? this.relay.put(body) : this.begin(body);
  }

  private begin(body: Body): boolean {
    const { head } = this;
    this.hasBegun = true;
    this.head = {};
    if (this.isOnly) {
      this.replies.next(head.status === undefined && head.headers === undefined ? body : { ...head, body });
      return false;
    }
    this.first = body;
    this.replies.next({ ...head, body: this.relay });
    return this.relay.isReady;
  }

  octetsOf(body: Body): number {
    return isPiece(body) ? octetsOf(body) : 0; // of a source nobody knows
  }

  // ── the reply ─────────────────────────────────────────────────────────────────────────────────────────────────────

  onRelayReady(): void {
    const { first } = this;
    this.first = null;
    if (first === null || this.relay.put(first)) this.queue.grant();
    this.onQueueChange();
  }

  onRelayBusy(): void {
    this.queue.revoke();
  }

  onRelayGone(): void {
    this.queue.close('closed');
  }

  onQueueChange(): void {
    if (this.hasEnded && this.queue.waiting === 0 && this.first === null) {
      this.queue.close('closed'); // nothing waits
      this.relay.end();
    } else if (this.suspends) this.channel?.onWritable();
  }

  onOverflow(limit: string, dropped: number): void {
    const error = overflowError(this.options.overflow.policy, limit, dropped);
    if (this.suspends) return this.channel?.error(error);
    this.hasEnded = true;
    this.port.cut(error);
    this.channel?.settle({ status: 'server-close', code: undefined, reason: '', by: 'server' });
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  close(): void {
    this.hasEnded = true;
    if (!this.hasBegun) this.replies.next(null); // closed without a word: an empty response, not "no response"
    this.finish();
  }

  finish(): void {
    this.hasEnded = true;
    this.onQueueChange();
    this.replies.complete();
  }

  fail(error: unknown): void {
    this.hasEnded = true;
    this.queue.close('closed');
    this.replies.error(error);
  }

  /** Nobody takes the reply any more, also where its body was never asked for. What this side has ended leaves by itself. */
  abandon(): void {
    if (!this.hasEnded) this.queue.close('closed');
  }

  /** An HTTP client says nothing behind its request. */
  demand(): void {}

  report(error: unknown): void {
    this.port.report(error instanceof HttpKitError ? error : failureFrom(error));
  }
}
