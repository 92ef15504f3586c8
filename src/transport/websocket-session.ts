/**
 * One WebSocket on its connection: bytes to messages and messages to bytes, RFC 6455 §5–§7.
 *
 * Owns: the closing handshake, pings, heartbeat, compression, who is told what in which order. Leaves: frames to the
 * receiver and the sender of `ws`, the opening handshake to `protocol/handshake.ts`, bytes on their way to `connection.ts`.
 */
import { ERRORS, ProtocolError } from '../errors.js';
import { EncodedMessage } from '../protocol/encoded-message.js';
import type { ConnectionHost } from './connection-host.js';
import type { FrameClose, FrameListener, FramePort, UpgradeOptions } from './contracts.js';
import { Deadlines } from './deadlines.js';
import { closePayload, frameOf, framesOf, Opcode, sharedFrameOf } from './frames.js';
import { HIGH_WATER, type Outbox } from './outbox.js';
import type { RequestReader } from './request-reader.js';
import { FrameReceiver, type FrameSocket, Parts, type PerMessageDeflate, type Sender } from './ws-parts.js';

/** What a session needs of its connection. */
export interface FrameCarrier {
  readonly host: ConnectionHost;
  readonly outbox: Outbox;
  readonly waiting: number;
  /** Asks for a flush when the turn ends. */
  touch(): void;
  readonly reader: RequestReader;
  /** Sends FIN behind all that was written, then drops what still comes, for a while. */
  shut(): void;
  destroy(): void;
  report(error: unknown): void;
}

const State = {
  OPEN: 0,
  /** The client has sent its close frame, we have not. */
  PEER_CLOSED: 1,
  /** We have made ours. It leaves behind what is still being compressed; then the client's is waited for. */
  CLOSING: 2,
  CLOSED: 3,
} as const;

const EMPTY = Buffer.alloc(0);
const NO_STATUS = 1005;
const PROTOCOL_ERROR = 1002;
const ABNORMAL = 1006;
/** Pieces of one message: a client must not make us hold millions of empty fragments. */
const MAX_FRAGMENTS = 16_384;
/** For what is still said to a client that has closed, before its close is confirmed. */
const ANSWER_MS = 1_000;

export class WebSocketSession implements FramePort {
  private readonly carrier: FrameCarrier;
  private readonly listener: FrameListener;
  private readonly maxWs: number;
  private readonly heartbeatMs: number;
  private readonly closeTimeoutMs: number;
  /** Octets from which on a message is compressed. */
  private readonly threshold: number;
  private readonly deflate: PerMessageDeflate | null;
  private readonly outboxWriter: OutboxWriter | null;
  private readonly sender: Sender | null;
  /** Made by the first byte that comes: most of a million idle clients never need one. */
  private receiver: FrameReceiver | null;
  private state: number;
  private isWanted: boolean;
  /** A message is being inflated: the bytes behind it wait. */
  private isBusy: boolean;
  private unreadBytes: Buffer[] | null;
  /** Messages that came in one read with one that nobody wanted. */
  private pending: (string | Buffer)[] | null;
  /** Inflates what came behind `pending`. */
  private heldInflation: (() => void) | null;
  /** The close frame behind `pending`. */
  private pendingClose: FrameClose | null;
  /** The latest ping that a full socket could not be told the answer to, RFC 6455 §5.5.3. */
  private pendingPong: Buffer | null;
  private isStarved: boolean;
  private hasHeard: boolean;
  private isPinged: boolean;
  private hasEnded: boolean;
  private isCloseSent: boolean;
  private isCloseReceived: boolean;
  /** What the client has closed with, while what it said before is answered. */
  private peerClose: FrameClose | null;
  /** Octets of messages that are being compressed, or wait for it. */
  private handedBytes: number;
  private isGone: boolean;
  private deadline: number;

  constructor(carrier: FrameCarrier, listener: FrameListener, options: UpgradeOptions, deflate: PerMessageDeflate | null) {
    this.carrier = carrier;
    this.listener = listener;
    // Not the options as a whole: they hold on to the request's head, as long as an idle client stays.
    this.maxWs = options.maxWs as number; // settled when the upgrade was answered
    this.heartbeatMs = options.heartbeatMs;
    this.closeTimeoutMs = options.closeTimeoutMs;
    this.threshold = options.deflate?.threshold ?? Infinity;
    this.deflate = deflate;
    this.outboxWriter = deflate === null ? null : new OutboxWriter(carrier);
    this.sender =
      deflate === null || this.outboxWriter === null
        ? null
        : new Parts.Sender(this.outboxWriter, { [Parts.PerMessageDeflate.extensionName]: deflate });
    this.receiver = null;
    this.state = State.OPEN;
    this.isWanted = false;
    this.isBusy = false;
    this.unreadBytes = null;
    this.pending = null;
    this.heldInflation = null;
    this.pendingClose = null;
    this.pendingPong = null;
    this.isStarved = false;
    this.hasHeard = false;
    this.isPinged = false;
    this.hasEnded = false;
    this.isCloseSent = false;
    this.isCloseReceived = false;
    this.peerClose = null;
    this.handedBytes = 0;
    this.isGone = false;
    if (deflate !== null) this.holdInflation(deflate);
    this.deadline = carrier.host.deadlines.tick + Deadlines.ticksFor(options.heartbeatMs);
  }

  /** A message may become a thousand times its size: the one behind a message that nobody wants yet is not inflated yet. */
  private holdInflation(deflate: PerMessageDeflate): void {
    const inflate = deflate.decompress.bind(deflate);
    deflate.decompress = (data, isLast, callback) => {
      if (this.pending === null) inflate(data, isLast, callback);
      else this.heldInflation = () => inflate(data, isLast, callback);
    };
  }

  private resumeInflation(): void {
    const inflate = this.heldInflation;
    this.heldInflation = null;
    inflate?.();
  }

  get waiting(): number {
    return this.carrier.waiting + this.handedBytes;
  }

  /** Something waits for `onDrain`. */
  get isHeldBack(): boolean {
    return this.isStarved || this.pendingPong !== null;
  }

  // ── frames in ─────────────────────────────────────────────────────────────────────────────────────────────────────

  onBytes(bytes: Buffer): void {
    this.hasHeard = true;
    if (this.state === State.CLOSED || this.state === State.PEER_CLOSED || this.pendingClose !== null) return; // RFC 6455 §5.5.1
    if (this.isBusy) {
      (this.unreadBytes ??= []).push(bytes);
      this.carrier.reader.setReading(false);
      return;
    }
    this.isBusy = true;
    this.receiver ??= this.createReceiver();
    this.receiver.feed(bytes, (error) => this.onFed(error));
  }

  /** The receiver has used what it was fed; at once, unless it had to inflate. */
  private onFed(error: (Error & { code?: string }) | null | undefined): void {
    this.isBusy = false;
    if (this.isGone) {
      this.deflate?.cleanup();
      return;
    }
    if (error) return this.fail(error);
    const next = this.unreadBytes?.shift();
    if (next !== undefined) return this.onBytes(next);
    if (this.pending === null) this.carrier.reader.setReading(true);
  }

  private createReceiver(): FrameReceiver {
    const receiver = new FrameReceiver({
      isServer: true,
      maxPayload: this.maxWs,
      maxFragments: MAX_FRAGMENTS,
      extensions: this.deflate === null ? {} : { [Parts.PerMessageDeflate.extensionName]: this.deflate },
    });
    receiver.on('message', (data: Buffer, isBinary: boolean) => this.onMessage(isBinary ? data : data.toString()));
    receiver.on('ping', (data: Buffer) => this.onPing(data));
    receiver.on('conclude', (code: number, reason: Buffer) => this.onConclude({ code, reason: reason.toString(), by: 'client' }));
    return receiver;
  }

  private onMessage(message: string | Buffer): void {
    if (this.state !== State.OPEN) return;
    if (this.isWanted && this.pending === null) this.listener.onMessage(message);
    else {
      (this.pending ??= []).push(message);
      this.carrier.reader.setReading(false);
    }
  }

  demand(wants: boolean): void {
    this.isWanted = wants;
    while (this.isWanted && this.pending !== null) {
      const message = this.pending.shift() as string | Buffer; // never kept empty
      if (this.pending.length === 0) {
        this.pending = null;
        this.hasHeard = true; // what stands behind has been waiting for us
      }
      if (this.state === State.OPEN) this.listener.onMessage(message);
    }
    if (this.pending !== null) return;
    if (!this.isBusy) this.carrier.reader.setReading(true);
    this.resumeInflation();
    const close = this.pendingClose;
    this.pendingClose = null;
    if (close !== null) this.onConclude(close);
  }

  private onPing(data: Buffer): void {
    if (this.state === State.CLOSING || this.state === State.CLOSED) return;
    if (this.carrier.waiting < HIGH_WATER) this.sendControl(Opcode.PONG, data);
    else this.pendingPong = data;
    this.listener.onPing(data);
  }

  private onConclude(close: FrameClose): void {
    if (this.state === State.CLOSING) {
      this.isCloseReceived = true;
      if (this.isCloseSent) this.end();
      return;
    }
    if (this.state !== State.OPEN) return;
    if (this.pending !== null) {
      this.pendingClose = close;
      return;
    }
    this.state = State.PEER_CLOSED;
    this.isCloseReceived = true;
    this.peerClose = close;
    this.deadline = this.carrier.host.deadlines.tick + Deadlines.ticksFor(ANSWER_MS);
    this.listener.onPeerClose(close);
  }

  /** FIN. Behind a close frame it changes nothing: what is owed can still be sent. */
  onStreamEnd(): void {
    if (this.state !== State.CLOSED && !this.isCloseReceived) this.giveUp();
  }

  private giveUp(): void {
    this.settle(this.pendingClose ?? { code: ABNORMAL, reason: '', by: 'client' });
    this.carrier.destroy();
  }

  private fail(error: Error & { code?: string }): void {
    if (this.state === State.CLOSED) return;
    const code = CLOSE_CODES[error.code ?? ''] ?? PROTOCOL_ERROR;
    this.carrier.report(new ProtocolError('RHK_BAD_FRAME', `${ERRORS.RHK_BAD_FRAME.sentence}: ${error.message}`, { cause: error }));
    const hasClosed = this.state === State.CLOSING;
    this.isCloseReceived = true; // nothing more is expected of this client
    this.settle({ code, reason: '', by: 'server' });
    if (!hasClosed) this.sendClose(code, '');
    else if (this.isCloseSent) this.end();
  }

  // ── frames out ────────────────────────────────────────────────────────────────────────────────────────────────────

  send(message: string | Uint8Array | EncodedMessage): boolean {
    if (this.state > State.PEER_CLOSED) return true;
    if (this.sender !== null) this.sendCompressed(this.sender, message instanceof EncodedMessage ? message.message : message);
    else this.put(message instanceof EncodedMessage ? (message.frame ??= sharedFrameOf(message)) : frameOf(message));
    this.carrier.touch();
    if (this.waiting < HIGH_WATER) return true;
    this.isStarved = true;
    return false;
  }

  private sendCompressed(sender: Sender, message: string | Uint8Array): void {
    const length = typeof message === 'string' ? Buffer.byteLength(message) : message.length;
    const compress = length >= this.threshold;
    this.handedBytes += length;
    sender.send(message, { binary: typeof message !== 'string', compress, fin: true, mask: false }, () => {
      this.handedBytes -= length;
      this.carrier.touch();
    });
  }

  private put(frame: string | readonly Uint8Array[]): void {
    const { outbox } = this.carrier;
    if (typeof frame === 'string') outbox.addText(frame);
    else for (const part of frame) outbox.addBytes(part);
  }

  private sendControl(opcode: number, data: Buffer): void {
    if (this.sender === null) {
      this.put(framesOf(opcode, data));
      this.carrier.touch();
    } else if (opcode === Opcode.PING) this.sender.ping(data, false);
    else this.sender.pong(data, false);
  }

  close(code: number, reason: string): void {
    if (this.state === State.CLOSING || this.state === State.CLOSED) return;
    const isAnswer = this.state === State.PEER_CLOSED || this.pendingClose !== null;
    this.state = State.CLOSING;
    this.pending = null;
    this.pendingClose = null;
    this.deadline = this.carrier.host.deadlines.tick + Deadlines.ticksFor(this.closeTimeoutMs);
    this.isCloseReceived = isAnswer;
    this.sendClose(code, reason);
    if (!isAnswer && !this.isBusy) this.carrier.reader.setReading(true); // on to the client's close frame; what is before it is dropped
    this.resumeInflation();
    this.listener.onClosed({ code, reason, by: 'server' });
  }

  private sendClose(code: number, reason: string): void {
    if (this.sender !== null) {
      this.sender.close(code === NO_STATUS ? undefined : code, reason, false, () => this.onCloseSent());
      return;
    }
    this.put(framesOf(Opcode.CLOSE, code === NO_STATUS ? EMPTY : closePayload(code, reason)));
    this.carrier.touch();
    this.onCloseSent();
  }

  private onCloseSent(): void {
    this.isCloseSent = true;
    this.deadline = this.carrier.host.deadlines.tick + Deadlines.ticksFor(this.closeTimeoutMs);
    if (this.isCloseReceived) this.end();
  }

  /** Both close frames are on their way: the server closes the connection first, RFC 6455 §7.1.1. */
  private end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.state = State.CLOSED;
    this.receiver = null;
    this.carrier.reader.setReading(true);
    this.carrier.shut();
  }

  private settle(close: FrameClose): void {
    const wasOpen = this.state === State.OPEN || this.state === State.PEER_CLOSED;
    this.state = State.CLOSED;
    this.receiver = null;
    this.pending = null;
    this.pendingClose = null;
    if (wasOpen) this.listener.onClosed(close);
  }

  onStreamClosed(): void {
    this.isGone = true;
    if (this.outboxWriter !== null) this.outboxWriter.destroyed = true;
    if (!this.isBusy || this.heldInflation !== null) this.deflate?.cleanup(); // an inflater in work is let go when it is done
    this.settle({ code: ABNORMAL, reason: '', by: 'client' });
  }

  onDrain(): void {
    if (this.waiting >= HIGH_WATER) return;
    if (this.pendingPong !== null && this.state <= State.PEER_CLOSED) {
      this.sendControl(Opcode.PONG, this.pendingPong);
      this.pendingPong = null;
    }
    if (!this.isStarved) return;
    this.isStarved = false;
    this.listener.onDrain();
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * While bytes wait here a ping would stand behind them: whether the client takes them is for the stall deadline to say.
   * Where nothing is read, because nobody wants it, a missing pong proves nothing; but the ping finds out who has left.
   *
   * @param hasReleased - The socket has taken bytes since the last tick.
   */
  onTick(tick: number, hasReleased: boolean): void {
    const isOwed = this.carrier.waiting > 0;
    if (this.state !== State.OPEN && isOwed && hasReleased) this.deadline++;
    if (this.state === State.OPEN && (this.hasHeard || isOwed)) {
      this.hasHeard = false;
      this.isPinged = false;
      this.deadline = tick + Deadlines.ticksFor(this.heartbeatMs) - 1;
      return;
    }
    if (tick < this.deadline) return;
    if (this.state === State.PEER_CLOSED && this.peerClose !== null) return this.close(this.peerClose.code, this.peerClose.reason);
    if (this.state !== State.OPEN || (this.isPinged && this.pending === null)) return this.giveUp();
    this.isPinged = true;
    this.deadline = tick + Deadlines.ticksFor(this.heartbeatMs) - 1;
    this.sendControl(Opcode.PING, EMPTY);
  }
}

/** Close codes of the receiver's errors, by the codes that `ws` documents; all others are 1002. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  Z_DATA_ERROR: 1007,
  Z_BUF_ERROR: 1007,
};

/** A socket for the sender of `ws` that writes into our outbox. */
class OutboxWriter implements FrameSocket {
  /** Read by the sender when a compression is done, or broken off. */
  destroyed: boolean;
  private readonly carrier: FrameCarrier;

  constructor(carrier: FrameCarrier) {
    this.destroyed = false;
    this.carrier = carrier;
  }

  cork(): void {}

  uncork(): void {
    this.carrier.touch();
  }

  write(data: string | Uint8Array, callback?: () => void): void {
    this.carrier.outbox.addBytes(typeof data === 'string' ? Buffer.from(data) : data);
    callback?.();
  }
}
