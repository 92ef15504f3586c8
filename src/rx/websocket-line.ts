/**
 * A channel on a WebSocket: codec, the queue of what waits for a slow client, and the closing handshake.
 *
 * What is sent before the 101 waits in the same queue as what a slow client has not taken.
 */
import { HandlerError, OverloadError, ProtocolError } from '../errors.js';
import { EncodedMessage } from '../protocol/encoded-message.js';
import type { ExchangePort, FrameClose, FrameListener, FramePort } from '../transport/contracts.js';
import { type Channel, type ChannelClose, type ChannelLine, statusOf } from './channel.js';
import type { Codec, Message } from './codec.js';
import type { WaitingRoom } from './waiting-room.js';

const ABNORMAL = 1006;
const INVALID_PAYLOAD = 1007;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

/** Limits and codec of one line. */
export interface LineOptions<I, O> {
  readonly codec?: Codec<I, O> | undefined;
  /** Messages that may wait. */
  readonly queueSize: number;
  /** Octets that may wait. */
  readonly maxBufferedBytes: number;
}

type Outgoing = string | Uint8Array | EncodedMessage;

export class WebSocketLine<I, O> implements ChannelLine<O>, FrameListener {
  readonly isWebSocket = true;
  private readonly port: ExchangePort;
  private readonly options: LineOptions<I, O>;
  private readonly answersBeforeClose: boolean;
  /** Set right after both were made: a channel and its line need each other. */
  private channel: Channel<I, O> | null;
  private frames: FramePort | null;
  private room: WaitingRoom | null;
  private isWanted: boolean;
  private isListening: boolean;
  private hasReceived: boolean;
  private queue: Outgoing[];
  private queuedBytes: number;
  private hasCredit: boolean;
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
    this.queue = [];
    this.queuedBytes = 0;
    this.hasCredit = false;
    this.closing = null;
    this.peerClose = null;
  }

  connect(channel: Channel<I, O>): void {
    this.channel = channel;
  }

  /** The 101 is on its way: what waited follows it. */
  open(frames: FramePort, room: WaitingRoom): void {
    this.frames = frames;
    this.room = room;
    this.hasCredit = true;
    this.flushQueue();
  }

  /** Messages may come from now on. */
  listen(): void {
    this.isListening = true;
    this.frames?.demand(this.isWanted);
  }

  /** The reply that was to carry the frames is over. Without effect where it carries them. */
  abandon(): void {
    if (this.frames === null) this.settle({ status: 'server-close', code: ABNORMAL, reason: '', by: 'server' });
  }

  // ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  send(data: O, close: boolean): boolean {
    if (this.closing !== null) return false;
    const message = this.encode(data);
    if (message === null || !this.enqueue(message)) return false;
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

  private enqueue(message: Outgoing): boolean {
    if (this.frames !== null && this.hasCredit) {
      this.hasCredit = this.frames.send(message);
      return true;
    }
    const { queueSize, maxBufferedBytes } = this.options;
    if (this.queue.length >= queueSize || this.queuedBytes > maxBufferedBytes) {
      this.overflow(this.queue.length >= queueSize ? `${queueSize} messages (queueSize)` : `${maxBufferedBytes} octets (maxBufferedBytes)`);
      return false;
    }
    this.queue.push(message);
    this.queuedBytes += lengthOf(message);
    return true;
  }

  /** The client is too slow for what it is sent: what waits is dropped, and it is told to come back later. */
  private overflow(limit: string): void {
    const dropped = this.queue.length + 1;
    this.queue = [];
    this.queuedBytes = 0;
    this.report(
      new OverloadError('RHK_SLOW_CLIENT', `a slow client was closed with 1013 and ${dropped} messages were dropped, limit ${limit}`),
    );
    this.closing = { code: TRY_AGAIN_LATER, reason: '' };
    if (this.frames !== null) this.flushQueue();
    this.settle({ status: 'server-close', code: TRY_AGAIN_LATER, reason: '', by: 'server' });
  }

  private flushQueue(): void {
    const { frames } = this;
    if (frames === null) return;
    let sent = 0;
    while (this.hasCredit && sent < this.queue.length) {
      const message = this.queue[sent++];
      this.queuedBytes -= lengthOf(message);
      this.hasCredit = frames.send(message);
    }
    if (sent > 0) this.queue = this.queue.slice(sent);
    if (this.closing !== null && this.queue.length === 0) frames.close(this.closing.code, this.closing.reason);
  }

  close(code: number, reason: string): void {
    if (this.closing !== null) return;
    this.closing = this.peerClose ?? { code, reason };
    this.flushQueue();
    if (this.peerClose !== null) this.settle(closeFrom(this.peerClose)); // it came first, whatever this side says now
  }

  fail(error: unknown): void {
    this.report(error);
    this.close(INTERNAL_ERROR, '');
  }

  report(error: unknown): void {
    this.port.report(
      error instanceof Error && 'code' in error && String(error.code).startsWith('RHK_')
        ? error
        : new HandlerError('RHK_HANDLER_FAILED', `channel failed: ${String(error)}`, { cause: error }),
    );
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
    this.queue = [];
    this.settle(closeFrom(this.peerClose ?? close));
  }

  onDrain(): void {
    this.hasCredit = true;
    this.flushQueue();
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

const lengthOf = (message: Outgoing): number => (message instanceof EncodedMessage ? message.message.length : message.length);
