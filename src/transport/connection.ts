/**
 * One HTTP/1.1 connection: bytes in, exchanges up, replies out, RFC 9112 §9.
 *
 * Owns: the order of requests and replies, persistence, refusals, closing without a reset, the deadlines of a connection.
 * Leaves: heads and bodies to `protocol/`, framing of replies to `reply-writer.ts`, what an exchange means to the floor above.
 *
 * A request is parsed when the one before it has been answered, so order and bounds need no queue: what a client sends
 * ahead waits as bytes, at most `MAX_UNREAD_BYTES` and one read of them, then the socket is not read.
 */
import { ERRORS, ProtocolError } from '../errors.js';
import { ChunkedDecoder, LengthDecoder } from '../protocol/body-decoder.js';
import { faultResponse } from '../protocol/fault-response.js';
import type { RequestHead } from '../protocol/request-head.js';
import { RequestParser } from '../protocol/request-parser.js';
import { CONTINUE_HEAD, ResponseFields, statusLine } from '../protocol/response-head.js';
import { type BodyCarrier, BodyIntake } from './body-intake.js';
import type {
  ByteStream,
  Clock,
  ConnectionListener,
  ConnectionPort,
  FrameListener,
  FramePort,
  Peer,
  UpgradeOptions,
  WireFault,
  WireLimits,
} from './contracts.js';
import { Deadlines, type Timed } from './deadlines.js';
import { HIGH_WATER, Outbox, PART_LIMIT } from './outbox.js';
import { type ReplyCarrier, ReplyWriter } from './reply-writer.js';
import type { Turn, TurnTask } from './turn.js';
import { UnreadBytes } from './unread-bytes.js';
import { type FrameCarrier, type PerMessageDeflate, WebSocketSession } from './websocket-session.js';

/** What all connections of a server have in common. */
export interface ConnectionHost {
  readonly limits: WireLimits;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly deadlines: Deadlines<Timed>;
  /** The `server` line, empty for none. */
  readonly serverLine: string;
  /** Milliseconds until everything is closed; `null` while the server does not drain. */
  readonly drainingMs: number | null;
  headStart(status: number): string;
  acquireParser(): RequestParser;
  releaseParser(parser: RequestParser): void;
  report(fault: WireFault): void;
  onConnectionClosed(): void;
}

const Phase = {
  /** Requests are read and answered. */
  OPEN: 0,
  /** The last reply is on its way or has left; what still comes is dropped, for a while. */
  CLOSING: 1,
  CLOSED: 2,
} as const;

/** The CRLF that ends every trailer section. */
const EMPTY_TRAILER_BYTES = 2;
/** Bytes that may wait while an exchange runs; beyond them the socket is not read. */
const MAX_UNREAD_BYTES = 65_536;
/** After the last reply: a client that has not read it must not be reset, RFC 9112 §9.6. */
const MAX_LINGER_BYTES = 65_536;
const LINGER_TICKS = 5;
/** What a client that takes large bodies fast may be given at once, and in one turn of the event loop. */
const MAX_GIFT_BYTES = 4_194_304;
/** Close code of a server that stops, RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
const HALF_CLOSED_SILENCE_MS = 1_000;

export class Connection implements ConnectionPort, ReplyCarrier, BodyCarrier, FrameCarrier, TurnTask, Timed {
  readonly outbox: Outbox;
  private readonly stream: ByteStream;
  private readonly host: ConnectionHost;
  private listener: ConnectionListener | null;
  private phase: number;
  /** Only while a head is coming in pieces. */
  private parser: RequestParser | null;
  private exchange: ReplyWriter | null;
  /** Once the bytes are frames. */
  private session: WebSocketSession | null;
  /** Bytes that were received and not used. While `advance` runs they are its own. */
  private unread: Buffer | null;
  private unreadFrom: number;
  /** What came behind them while they could not be used. */
  private backlog: UnreadBytes | null;
  private requestCount: number;
  /** `advance` is on the stack: what changes now is seen by its loop. */
  private isAdvancing: boolean;
  private isTouched: boolean;
  private isPaused: boolean;
  /** Paused because of what came behind the request in work. */
  private isUnwatched: boolean;
  private listensForDrain: boolean;
  /** The deadline is that of the head in work: what drips in does not move it. */
  private isHeadTimed: boolean;
  /** The last reply was broken off. */
  private isCut: boolean;
  /** FIN was sent. */
  private isEnded: boolean;
  /** The client has sent FIN. */
  private inputEnded: boolean;
  /** No request follows the current one. */
  private isDraining: boolean;
  /** Tick at which a head, an idle connection, a half-closed client or the linger has had its time; Infinity for none. */
  private deadline: number;
  private given: number;
  /** Octets that the socket is given at once: grows with a client that takes them, back to one part with one that is slow. */
  private giftLimit: number;
  private releasedAtLastTick: number;
  private stalledTicks: number;
  private lingerBytes: number;

  constructor(stream: ByteStream, host: ConnectionHost) {
    this.outbox = new Outbox();
    this.stream = stream;
    this.host = host;
    this.listener = null;
    this.phase = Phase.OPEN;
    this.parser = null;
    this.exchange = null;
    this.session = null;
    this.unread = null;
    this.unreadFrom = 0;
    this.backlog = null;
    this.requestCount = 0;
    this.isAdvancing = false;
    this.isTouched = false;
    this.isPaused = false;
    this.isUnwatched = false;
    this.listensForDrain = false;
    this.isHeadTimed = false;
    this.isCut = false;
    this.isEnded = false;
    this.inputEnded = false;
    this.isDraining = false;
    this.deadline = Infinity;
    this.given = 0;
    this.giftLimit = PART_LIMIT;
    this.releasedAtLastTick = 0;
    this.stalledTicks = 0;
    this.lingerBytes = 0;
    host.deadlines.watch(this);
    stream.on('error', ignore); // 'close' follows, and says all that matters: the peer has gone
    stream.on('close', () => this.onClose());
    stream.on('end', () => this.onEnd()); // may come before anybody has started to read
  }

  get peer(): Peer {
    return new StreamPeer(this.stream);
  }

  get serverLine(): string {
    return this.host.serverLine;
  }

  get dateLine(): string {
    return this.host.deadlines.dateLine;
  }

  headStart(status: number): string {
    return this.host.headStart(status);
  }

  get waiting(): number {
    return this.outbox.size + this.stream.writableLength;
  }

  get maxBufferedBytes(): number {
    return this.host.limits.maxBufferedBytes;
  }

  get drainingMs(): number | null {
    return this.host.drainingMs;
  }

  get maxWs(): number {
    return this.host.limits.maxWs;
  }

  start(listener: ConnectionListener): void {
    if (this.phase === Phase.CLOSED) {
      listener.onClosed();
      return;
    }
    this.listener = listener;
    this.deadline = this.host.deadlines.tick + Deadlines.ticksFor(this.host.limits.keepAliveTimeoutMs);
    this.stream.on('data', (bytes) => this.onData(bytes));
  }

  drain(withinMs: number, firstRequestMs: number = 0): void {
    this.isDraining = true;
    if (this.phase !== Phase.OPEN) return;
    const { exchange } = this;
    if (exchange !== null) {
      exchange.keepAlive = false;
      if (withinMs > 0) exchange.tellDraining(withinMs);
      if (!exchange.endsByItself) this.session?.close(GOING_AWAY, '');
    } else if (this.parser !== null && this.parser.isInHead)
      return; // a head in work may be finished, and answered
    else if (this.waiting > 0) this.shut();
    else if (this.requestCount === 0 && firstRequestMs > 0) {
      this.deadline = Math.min(this.deadline, this.host.deadlines.tick + Deadlines.ticksFor(firstRequestMs));
    } else this.destroy();
  }

  destroy(): void {
    this.stream.destroy();
    this.onClose();
  }

  // ── bytes in ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private onData(bytes: Buffer): void {
    if (this.phase !== Phase.OPEN) {
      this.lingerBytes += bytes.length;
      if (this.lingerBytes > MAX_LINGER_BYTES) this.stream.destroy();
      return;
    }
    if (this.exchange !== null && this.exchange.body !== null) this.exchange.body.awaitsContinue = false;
    if (this.unread === null) {
      this.unread = bytes;
      this.unreadFrom = 0;
      this.advance();
      return;
    }
    this.backlog ??= new UnreadBytes(this.unread.subarray(this.unreadFrom));
    this.backlog.append(bytes);
    this.unread = this.backlog.view;
    this.unreadFrom = 0;
    this.advance();
  }

  private onEnd(): void {
    this.inputEnded = true;
    if (this.phase !== Phase.OPEN) return;
    if (this.session !== null) return this.session.onStreamEnd();
    if (this.exchange === null) {
      if (this.unread !== null) return; // the client must take its answers first; those to the rest follow
      if (this.parser !== null && this.parser.isInHead) this.refuse(new ProtocolError('RHK_HEAD_INCOMPLETE'), undefined);
      else this.shut();
      return;
    }
    if (this.exchange.endsWithInput) return this.destroy();
    if (this.unread === null) this.exchange.keepAlive = false; // else the last of the requests that came ends the connection
    this.watchHalfClosed(this.exchange);
    this.failIncompleteBody();
  }

  /**
   * The client has sent FIN: it may wait for its answer, or it may have gone; only a write will tell. It is given time for
   * the answer to begin, and a stream that is silent for a second is taken as one that nobody reads.
   */
  private watchHalfClosed(exchange: ReplyWriter): void {
    const { limits, deadlines } = this.host;
    this.deadline = deadlines.tick + Deadlines.ticksFor(exchange.isHeadSent ? HALF_CLOSED_SILENCE_MS : limits.halfCloseTimeoutMs);
  }

  /** All bytes are in. A body that wants more will not get it. */
  private failIncompleteBody(): void {
    if (!this.inputEnded || this.unread !== null) return;
    this.exchange?.body?.fail(new ProtocolError('RHK_BODY_INCOMPLETE'));
  }

  /** Uses what was received, as far as it can be used now; then sends what that made. */
  private advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      while (this.unread !== null && this.phase === Phase.OPEN && this.step(this.unread));
    } catch (error) {
      this.report(error, this.exchange?.head);
      this.destroy();
    }
    this.isAdvancing = false;
    if (this.phase === Phase.CLOSED) return;
    if (this.inputEnded && this.exchange === null && this.unread === null) this.onEnd();
    this.flush();
    this.balanceReading();
  }

  /** One head, or one run of body bytes. Returns false when nothing can be used now. */
  private step(bytes: Buffer): boolean {
    const exchange = this.exchange;
    if (this.session !== null) {
      const frames = this.unreadFrom === 0 ? bytes : bytes.subarray(this.unreadFrom);
      this.dropUnread();
      this.session.onBytes(frames);
      return false;
    }
    if (exchange === null) {
      if (this.isBlocked()) return false;
      this.readHead(bytes);
      return true;
    }
    const body = exchange.body;
    if (body === null || body.isOver || !body.wantsBytes) return false;
    this.use(bytes, body.feed(bytes, this.unreadFrom));
    return true;
  }

  /** A client that does not take its answers gets no further ones. */
  private isBlocked(): boolean {
    if (this.outbox.size >= HIGH_WATER) this.flush();
    return this.outbox.size >= HIGH_WATER || this.stream.writableNeedDrain;
  }

  private readHead(bytes: Buffer): void {
    const { host } = this;
    const parser = this.parser ?? host.acquireParser();
    this.parser = parser;
    let used: number;
    try {
      used = parser.push(bytes, this.unreadFrom);
    } catch (error) {
      this.parser = null;
      this.refuse(error as ProtocolError, undefined, parser.method === 'HEAD'); // parsers throw nothing else
      return;
    }
    this.use(bytes, used);
    const head = parser.head;
    if (head === null) {
      if (parser.isInHead && !this.isHeadTimed) {
        this.deadline = host.deadlines.tick + Deadlines.ticksFor(host.limits.headTimeoutMs);
        this.isHeadTimed = true;
      }
      return;
    }
    this.parser = null;
    this.isHeadTimed = false;
    host.releaseParser(parser);
    this.open(head);
  }

  private open(head: RequestHead): void {
    const { host } = this;
    this.requestCount++;
    this.deadline = Infinity;
    if (head.contentLength > host.limits.maxBody) {
      const size = `request body is ${head.contentLength} octets, limit ${host.limits.maxBody} (maxBody)`;
      this.refuse(new ProtocolError('RHK_BODY_TOO_LARGE', size), head);
      return;
    }
    const keepAlive =
      head.keepAlive &&
      !head.asksWebSocket && // refused, what stands behind it may be frames that were sent without waiting
      !this.isDraining &&
      this.requestCount < host.limits.maxRequestsPerConnection &&
      !(this.inputEnded && this.unread === null);
    const exchange = new ReplyWriter(this, head, head.hasBody ? this.intakeFor(head) : null, keepAlive);
    this.exchange = exchange;
    if (this.inputEnded) {
      this.watchHalfClosed(exchange);
      this.failIncompleteBody();
    }
    (this.listener as ConnectionListener).onExchange(exchange); // started, or no byte would have come
  }

  private intakeFor(head: RequestHead): BodyIntake {
    const { limits } = this.host;
    const decoder = head.isChunked
      ? new ChunkedDecoder({
          maxLine: limits.maxLine,
          maxHeaders: limits.maxHeaders - head.fieldCount,
          maxHeadBytes: Math.max(limits.maxHeadBytes - head.byteLength, EMPTY_TRAILER_BYTES),
        })
      : new LengthDecoder(head.contentLength);
    return new BodyIntake(this, decoder, limits.maxBody, head.expectsContinue && this.unread === null);
  }

  private use(bytes: Buffer, to: number): void {
    this.backlog?.skip(to - this.unreadFrom);
    this.unreadFrom = to;
    if (to >= bytes.length) {
      this.dropUnread();
      this.failIncompleteBody();
    }
  }

  private dropUnread(): void {
    this.unread = null;
    this.unreadFrom = 0;
    this.backlog = null;
  }

  /** The socket is read while bytes are wanted or few are waiting: so a client that leaves is noticed. */
  private balanceReading(): void {
    if (this.phase !== Phase.OPEN || this.session !== null) return;
    const isFull = this.unread !== null && this.unread.length - this.unreadFrom >= MAX_UNREAD_BYTES;
    if (isFull !== this.isPaused) this.watchUnread(isFull);
    this.setReading(!isFull);
  }

  /** A client that is not read cannot be seen to leave: one that floods behind its request has as long as one that sent FIN. */
  private watchUnread(isFull: boolean): void {
    const { exchange } = this;
    if (exchange === null || this.inputEnded || (exchange.body !== null && !exchange.body.isOver)) return;
    this.isUnwatched = isFull;
    if (isFull) this.watchHalfClosed(exchange);
    else this.deadline = Infinity;
  }

  setReading(reads: boolean): void {
    if (reads !== this.isPaused) return;
    this.isPaused = !reads;
    if (reads) this.stream.resume();
    else this.stream.pause();
  }

  // ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────

  onBodyWanted(): void {
    const exchange = this.exchange as ReplyWriter; // only the current exchange has a body that can be wanted
    const body = exchange.body as BodyIntake;
    if (body.awaitsContinue) {
      body.awaitsContinue = false;
      if (!exchange.isHeadSent) {
        this.outbox.addText(CONTINUE_HEAD);
        this.touch();
      }
    }
    this.failIncompleteBody();
    this.advance();
  }

  onBodyEnd(): void {
    const exchange = this.exchange;
    if (exchange === null || !exchange.isSettled) return;
    this.judge(exchange);
  }

  // ── replies out ───────────────────────────────────────────────────────────────────────────────────────────────────

  touch(): void {
    if (this.isTouched || this.isAdvancing) return;
    this.isTouched = true;
    this.host.turn.add(this);
  }

  onTurnEnd(): void {
    this.isTouched = false;
    if (this.phase !== Phase.CLOSED) this.flush();
  }

  flush(): void {
    if (this.exchange !== null) this.exchange.commit();
    if (this.outbox.size > 0 && !this.stream.destroyed) this.give();
    const exchange = this.exchange;
    if ((this.inputEnded || this.isUnwatched) && exchange !== null && this.phase === Phase.OPEN) this.watchHalfClosed(exchange);
    if (exchange !== null && exchange.isStarved && !this.stream.writableNeedDrain) this.host.clock.nextTurn(() => exchange.onFlushed());
    const session = this.session;
    if (session !== null && session.isHeldBack && !this.stream.writableNeedDrain) this.host.clock.nextTurn(() => session.onDrain());
    if (this.phase === Phase.CLOSING) this.endWhenSent();
  }

  /** A socket that takes all at once says nothing more: then it is given more, but not for a whole turn of the event loop. */
  private give(): void {
    let given = 0;
    while (this.outbox.size > 0 && !this.stream.writableNeedDrain) {
      if (given >= MAX_GIFT_BYTES) {
        this.host.clock.nextTurn(() => this.onTurnEnd());
        break;
      }
      given += this.outbox.flush(this.stream, this.giftLimit);
    }
    this.given += given;
    if (given >= this.giftLimit && this.giftLimit < MAX_GIFT_BYTES) this.giftLimit *= 2;
    if (this.stream.writableNeedDrain) this.listenForDrain();
  }

  private listenForDrain(): void {
    if (this.listensForDrain) return;
    this.listensForDrain = true;
    this.stream.on('drain', () => this.onDrain());
  }

  private onDrain(): void {
    if (this.phase === Phase.CLOSED) return;
    this.flush();
    if (this.stream.writableNeedDrain) return;
    if (this.session !== null) this.session.onDrain();
    else if (this.exchange === null) this.advance();
  }

  onReplyEnd(): void {
    if (this.exchange !== null) this.judge(this.exchange);
  }

  onUpgraded(options: UpgradeOptions, listener: FrameListener, deflate: PerMessageDeflate | null): FramePort {
    const session = new WebSocketSession(this, listener, options, deflate);
    this.session = session;
    if (this.isDraining) this.host.clock.endOfTurn(() => this.leaveSession(session)); // its owner is about to be told of it
    if (!this.isAdvancing) this.advance();
    return session;
  }

  /** Opened while the server drains. */
  private leaveSession(session: WebSocketSession): void {
    if (this.phase === Phase.OPEN && !this.exchange?.endsByItself) session.close(GOING_AWAY, '');
  }

  get tick(): number {
    return this.host.deadlines.tick;
  }

  /** Both ends of a WebSocket have said all. */
  finish(): void {
    this.shut();
  }

  reportFrameError(error: unknown): void {
    this.report(error, this.exchange?.head);
  }

  onReplyCut(hard: boolean): void {
    if (this.phase === Phase.CLOSED) return;
    if (hard) {
      this.reset();
      return;
    }
    this.exchange = null;
    this.flush();
    this.phase = Phase.CLOSING;
    this.isCut = true;
    this.endWhenSent();
  }

  /** The reply is complete: does the connection go on, and when? */
  private judge(exchange: ReplyWriter): void {
    if (this.phase !== Phase.OPEN) return;
    const { body } = exchange;
    if (body !== null && !body.isOver) {
      if (body.hasReader) return; // a handler that answered early still reads: the next request waits for it
      if (!exchange.keepAlive || !body.skip()) return this.shut();
      this.advance();
      if (!body.isOver) {
        this.balanceReading();
        return;
      }
    }
    if (this.exchange !== exchange) return;
    if (!exchange.keepAlive || (body !== null && body.hasFailed)) return this.shut();
    this.exchange = null;
    this.isUnwatched = false;
    this.deadline = this.host.deadlines.tick + Deadlines.ticksFor(this.host.limits.keepAliveTimeoutMs);
    if (this.isAdvancing) return;
    if (this.unread !== null) this.advance();
    else {
      this.touch();
      this.balanceReading();
      if (this.inputEnded) this.onEnd();
    }
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers a request that nobody above will see, and closes. */
  private refuse(error: ProtocolError, head: RequestHead | undefined, isHead: boolean = head?.method === 'HEAD'): void {
    this.report(error, head);
    const fault = faultResponse(error);
    const body = isHead ? '' : fault.body; // RFC 9110 §9.3.2
    this.outbox.addText(
      statusLine(fault.status) +
        this.serverLine +
        this.dateLine +
        new ResponseFields(fault.headers).lines +
        'content-type: text/plain; charset=utf-8\r\n' +
        `content-length: ${fault.body.length}\r\nconnection: close\r\n\r\n` +
        body,
    );
    this.shut();
  }

  /** Sends what is owed, then FIN; drops what still comes until the client closes too. */
  private shut(): void {
    if (this.phase !== Phase.OPEN) return;
    this.phase = Phase.CLOSING;
    if (this.session === null) this.exchange = null; // that of a WebSocket lasts as long as the socket
    this.dropUnread();
    this.parser = null;
    this.deadline = Infinity;
    this.flush();
    this.setReading(true);
  }

  private endWhenSent(): void {
    if (this.outbox.size > 0 || this.isEnded) return;
    this.isEnded = true;
    this.deadline = this.host.deadlines.tick + LINGER_TICKS;
    if (this.isCut) this.stream.destroySoon();
    else this.stream.end();
  }

  private reset(): void {
    this.outbox.clear();
    try {
      this.stream.resetAndDestroy();
    } catch {
      this.stream.destroy(); // a Unix socket knows no RST
    }
  }

  private onClose(): void {
    if (this.phase === Phase.CLOSED) return;
    this.phase = Phase.CLOSED;
    this.host.deadlines.forget(this);
    const { exchange, session } = this;
    this.exchange = null;
    this.session = null;
    this.dropUnread();
    this.parser = null;
    this.outbox.clear();
    session?.onStreamClosed();
    if (exchange !== null) {
      exchange.onGone();
      exchange.body?.fail(new ProtocolError('RHK_CLIENT_GONE'));
    }
    this.listener?.onClosed();
    this.host.onConnectionClosed();
  }

  report(error: unknown, head: RequestHead | undefined): void {
    this.host.report({ error, peer: this.peer, head });
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  onTick(tick: number): void {
    const { limits } = this.host;
    const released = this.given - this.stream.writableLength;
    const hasReleased = released !== this.releasedAtLastTick;
    this.releasedAtLastTick = released;
    if (this.session !== null && this.phase === Phase.OPEN) this.session.onTick(tick, hasReleased);
    if (this.waiting > 0) {
      this.watchRelease(hasReleased, limits.stallTimeoutMs);
      return;
    }
    this.stalledTicks = 0;
    if (this.exchange !== null && this.exchange.body !== null) this.exchange.body.onSecond(limits.bodyMinBytesPerSecond);
    if (tick >= this.deadline) this.onDeadline();
  }

  private watchRelease(hasReleased: boolean, stallTimeoutMs: number): void {
    this.stalledTicks = hasReleased ? 0 : this.stalledTicks + 1;
    if (!hasReleased) this.giftLimit = PART_LIMIT;
    // What was given at once is released at once: a larger gift has more time.
    if (this.stalledTicks < Deadlines.ticksFor(stallTimeoutMs) * Math.max(1, this.stream.writableLength / PART_LIMIT)) return;
    this.report(
      new ProtocolError('RHK_STALLED', `${ERRORS.RHK_STALLED.sentence}: ${stallTimeoutMs} ms (stallTimeoutMs)`),
      this.exchange?.head,
    );
    this.destroy();
  }

  private onDeadline(): void {
    if (this.phase === Phase.CLOSING || this.exchange !== null) this.destroy();
    else if (this.parser !== null && this.parser.isInHead) this.refuse(new ProtocolError('RHK_HEAD_TIMEOUT'), undefined);
    else this.shut();
  }
}

/** The addresses cost a system call: asked only when somebody wants them. */
class StreamPeer implements Peer {
  private readonly stream: ByteStream;

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  get remoteAddr(): string {
    return this.stream.remoteAddress ?? '';
  }

  get remotePort(): number | undefined {
    return this.stream.remotePort;
  }

  get localAddr(): string {
    return this.stream.localAddress ?? '';
  }

  get localPort(): number | undefined {
    return this.stream.localPort;
  }
}

const ignore = (): void => {};
