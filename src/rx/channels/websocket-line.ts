/**
 * A channel on a WebSocket: codec, credit, and the closing handshake.
 *
 * What is sent before the 101 waits in the same queue as what a slow client has not taken: `outbound-queue.ts`.
 */
import { HandlerError, messageOf, OverloadError, ProtocolError } from '../../errors.js';
import { EncodedMessage, type Outgoing, octetsOf } from '../../protocol/encoded-message.js';
import type { ExchangePort, FrameClose, FrameListener, FramePort } from '../../transport/contracts.js';
import { type ChannelClose, statusOf } from './channel.js';
import type { Codec, Message } from './codec.js';
import type { ChannelLine, LineChannel } from './line-channel.js';
import { OutboundQueue, type QueueLimits, type QueueSink } from '../queues/outbound-queue.js';
import { overflowError } from '../bodies/queue-body.js';
import type { WaitingRoom } from '../admission/waiting-room.js';

const ABNORMAL = 1006;
const INVALID_PAYLOAD = 1007;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

/** Limits, policy and codec of one line. */
export interface LineOptions<I, O> extends QueueLimits<O> {
  readonly codec?: Codec<I, O> | undefined;
}

export class WebSocketLine<I, O> implements ChannelLine<O>, FrameListener, QueueSink<Outgoing> {
  readonly isWebSocket = true;
  readonly queue: OutboundQueue<O, Outgoing>;
  private readonly port: ExchangePort;
  private readonly options: LineOptions<I, O>;
  private readonly answersBeforeClose: boolean;
  /** Set right after both were made: a channel and its line need each other. */
  private channel: LineChannel<I, O> | null;
  private frames: FramePort | null;
  private room: WaitingRoom | null;
  private isWanted: boolean;
  private isListening: boolean;
  private hasReceived: boolean;
  private closing: { readonly code: number; readonly reason: string } | null;
  private peerClose: FrameClose | null;

  /**
   * @param options - Shared by all lines of one handler: a copy for each would have a hidden class of its own, 0.4 KB.
   * @param answersBeforeClose - The answer to the client's close frame waits, for a second, until `complete`: what it said
   *   before is answered first.
   */
  constructor(port: ExchangePort, options: LineOptions<I, O>, answersBeforeClose: boolean) {
    this.port = port;
    this.options = options;
    this.answersBeforeClose = answersBeforeClose;
    this.channel = null;
    this.frames = null;
    this.room = null;
    this.isWanted = false;
    this.isListening = false;
    this.hasReceived = false;
    this.queue = new OutboundQueue<O, Outgoing>(this, options);
    this.closing = null;
    this.peerClose = null;
  }

  connect(channel: LineChannel<I, O>): void {
    this.channel = channel;
  }

  /** The 101 is on its way: what waited follows it. */
  open(frames: FramePort, room: WaitingRoom): void {
    this.frames = frames;
    this.room = room;
    this.queue.grant();
    this.closeBehindQueue();
  }

  /** Messages may come from now on. */
  listen(): void {
    this.isListening = true;
    this.frames?.demand(this.isWanted);
  }

  /** The reply that was to carry the frames is over. Without effect where it carries them. */
  abandon(): void {
    if (this.frames !== null) return;
    if (this.closing === null) this.queue.close('closed'); // else a 101 may follow, and what waits with it
    this.settle({ status: 'server-close', code: ABNORMAL, reason: '', by: 'server' });
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  send(data: O, close: boolean): boolean {
    if (this.closing !== null) return false;
    const message = this.encode(data);
    if (message === null || this.closing !== null) return false; // closed by what encodes
    if (!this.offer(message, data)) return false;
    if (close) this.close(1000, '');
    return true;
  }

  private encode(data: O): Outgoing | null {
    if (data instanceof EncodedMessage) return data;
    const { codec } = this.options;
    try {
      const message = codec === undefined ? data : codec.encode(data);
      if (typeof message === 'string' || message instanceof Uint8Array) return message;
      throw new HandlerError('RHK_BAD_REPLY', `a message is a ${typeof message}, not a string or bytes`);
    } catch (error) {
      this.channel?.error(error);
      return null;
    }
  }

  /** `keyOf` of the application may throw. */
  private offer(message: Outgoing, data: O): boolean {
    try {
      return this.queue.offer(message, data);
    } catch (error) {
      this.channel?.error(error);
      return false;
    }
  }

  transmit(message: Outgoing): boolean {
    return this.frames !== null && this.frames.send(message);
  }

  octetsOf(message: Outgoing): number {
    return octetsOf(message);
  }

  get suspends(): boolean {
    return this.options.overflow.policy === 'suspend';
  }

  onQueueChange(): void {
    this.closeBehindQueue();
    if (this.suspends) this.channel?.onWritable();
  }

  /** The client is too slow for what it is sent, and told so. */
  onOverflow(limit: string, dropped: number): void {
    const { overflow } = this.options;
    const code = overflow.policy === 'disconnect' ? overflow.code : INTERNAL_ERROR;
    this.report(
      overflow.policy === 'disconnect'
        ? new OverloadError('RHK_SLOW_CLIENT', `a slow client was closed with ${code} and ${dropped} messages were dropped, limit ${limit}`)
        : overflowError(overflow.policy, limit, dropped),
    );
    this.closing = { code, reason: '' };
    this.closeBehindQueue();
    this.settle({ status: 'server-close', code, reason: '', by: 'server' });
  }

  private closeBehindQueue(): void {
    const { frames, closing } = this;
    if (frames !== null && closing !== null && this.queue.waiting === 0) frames.close(closing.code, closing.reason);
  }

  close(code: number, reason: string): void {
    if (this.closing !== null) return;
    this.closing = this.peerClose ?? { code, reason };
    this.closeBehindQueue();
    if (this.peerClose !== null) this.settle(closeFrom(this.peerClose)); // it came first, whatever this side says now
  }

  fail(error: unknown): void {
    this.report(error);
    this.close(INTERNAL_ERROR, '');
  }

  report(error: unknown): void {
    this.port.report(failureOf(error));
  }

  // ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  demand(wants: boolean): void {
    this.isWanted = wants;
    if (this.isListening) this.frames?.demand(wants);
  }

  onMessage(message: Message): void {
    if (this.closing !== null) return;
    this.hasReceived = true;
    if (this.room !== null && this.room.isFull) {
      this.report(
        new OverloadError('RHK_ADMISSION_FULL', `a message found ${this.room.size} requests waiting, limit ${this.room.limit} (queueSize)`),
      );
      this.shut(TRY_AGAIN_LATER);
      return;
    }
    let value: I;
    try {
      value = this.options.codec === undefined ? (message as I) : this.options.codec.decode(message); // without a codec I is Message
    } catch (cause) {
      this.report(new ProtocolError('RHK_BAD_MESSAGE', undefined, { cause }));
      this.shut(INVALID_PAYLOAD);
      return;
    }
    this.channel?.receive(value);
  }

  onPing(data: Buffer): void {
    this.channel?.receivePing(data);
  }

  onPeerClose(close: FrameClose): void {
    this.peerClose = close;
    const owesAnswers = this.answersBeforeClose && this.hasReceived && this.channel?.hasReader === true;
    this.channel?.endMessages();
    if (owesAnswers && this.closing === null) return;
    this.close(close.code, close.reason);
  }

  onClosed(close: FrameClose): void {
    this.queue.close('closed');
    this.settle(closeFrom(this.peerClose ?? close));
  }

  onDrain(): void {
    this.queue.grant();
  }

  finish(): void {
    if (this.peerClose !== null) this.close(this.peerClose.code, this.peerClose.reason);
    else this.channel?.close();
  }

  private shut(code: number): void {
    this.close(code, '');
    this.settle({ status: 'server-close', code, reason: '', by: 'server' });
  }

  private settle(close: ChannelClose): void {
    this.channel?.settle(close);
  }
}

const closeFrom = ({ code, reason, by }: FrameClose): ChannelClose => ({
  status: by === 'client' ? statusOf(code) : 'server-close',
  code,
  reason,
  by,
});

/** Anything can be thrown; what cannot even be read is told as that. */
const failureOf = (error: unknown): unknown => {
  let text = messageOf(error);
  try {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('RHK_')) return error;
    text = String(error);
  } catch {
    // told by its message, or as something that cannot be shown
  }
  return new HandlerError('RHK_HANDLER_FAILED', `channel failed: ${text}`, { cause: error });
};
