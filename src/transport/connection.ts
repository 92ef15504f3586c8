/**
 * One HTTP/1.1 connection: the order of its requests and replies, RFC 9112 §9.
 *
 * Owns: who is in work, persistence, upgrade, half-closed clients, the deadlines of a connection, when it ends.
 * Leaves: bytes in to `request-reader.ts`, bytes out to `socket-writer.ts`, the end itself to `lingering-close.ts`, framing of
 * replies to `reply-writer.ts`, what an exchange means to the floor above.
 */
import { ERRORS, ProtocolError } from '../errors.js';
import type { RequestHead } from '../protocol/request-head.js';
import { CONTINUE_HEAD } from '../protocol/response-head.js';
import { type BodyCarrier, BodyIntake } from './body-intake.js';
import type { ConnectionHost } from './connection-host.js';
import type { ByteStream, ConnectionListener, ConnectionPort, FrameListener, FramePort, Peer, UpgradeOptions } from './contracts.js';
import { Deadlines, type Timed } from './deadlines.js';
import { LINGER_TICKS, LingeringClose, refusalText, reset } from './lingering-close.js';
import { HIGH_WATER, type Outbox } from './outbox.js';
import { type ReplyCarrier, ReplyWriter } from './reply-writer.js';
import { type ReaderOwner, RequestReader } from './request-reader.js';
import { SocketWriter, type WriterOwner } from './socket-writer.js';
import { StreamPeer } from './stream-peer.js';
import { type FrameCarrier, WebSocketSession } from './websocket-session.js';
import type { PerMessageDeflate } from './ws-parts.js';

/** Close code of a server that stops, RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
const HALF_CLOSED_SILENCE_MS = 1_000;

export class Connection implements ConnectionPort, ReaderOwner, WriterOwner, ReplyCarrier, BodyCarrier, FrameCarrier, Timed {
  readonly host: ConnectionHost;
  readonly outbox: Outbox;
  exchange: ReplyWriter | null;
  session: WebSocketSession | null;
  readonly reader: RequestReader;
  private readonly stream: ByteStream;
  private readonly writer: SocketWriter;
  private listener: ConnectionListener | null;
  /** Once the last reply is on its way or has left. */
  private closing: LingeringClose | null;
  private isClosed: boolean;
  private requestCount: number;
  /** The client has sent FIN. */
  private inputEnded: boolean;
  /** Not read because of what came behind the request in work. */
  private isUnwatched: boolean;
  /** No request follows the current one. */
  private isDraining: boolean;
  /** Tick at which a head, an idle connection, a half-closed client or the linger has had its time; Infinity for none. */
  private deadline: number;

  constructor(stream: ByteStream, host: ConnectionHost) {
    this.host = host;
    this.exchange = null;
    this.session = null;
    this.reader = new RequestReader(stream, host, this);
    this.stream = stream;
    this.writer = new SocketWriter(stream, host, this);
    this.outbox = this.writer.outbox;
    this.listener = null;
    this.closing = null;
    this.isClosed = false;
    this.requestCount = 0;
    this.inputEnded = false;
    this.isUnwatched = false;
    this.isDraining = false;
    this.deadline = Infinity;
    host.deadlines.watch(this);
    stream.on('error', ignore); // 'close' follows, and says all that matters: the peer has gone
    stream.on('close', () => this.onClose());
    stream.on('end', () => this.onEnd()); // may come before anybody has started to read
  }

  get peer(): Peer {
    return new StreamPeer(this.stream);
  }

  get waiting(): number {
    return this.writer.waiting;
  }

  /** Requests are read and answered, or frames. */
  get isOpen(): boolean {
    return this.closing === null && !this.isClosed;
  }

  start(listener: ConnectionListener): void {
    if (this.isClosed) {
      listener.onClosed();
      return;
    }
    this.listener = listener;
    this.setDeadline(this.host.limits.keepAliveTimeoutMs);
    this.stream.on('data', (bytes) => this.onData(bytes));
  }

  drain(withinMs: number, firstRequestMs: number = 0): void {
    this.isDraining = true;
    if (!this.isOpen) return;
    const { exchange } = this;
    if (exchange !== null) {
      exchange.keepAlive = false;
      if (withinMs > 0) exchange.tellDraining(withinMs);
      if (!exchange.endsByItself) this.session?.close(GOING_AWAY, '');
    } else if (this.reader.isInHead)
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

  // ── requests in ───────────────────────────────────────────────────────────────────────────────────────────────────

  private onData(bytes: Buffer): void {
    if (this.closing !== null) return this.closing.onBytes(bytes);
    if (this.exchange !== null && this.exchange.body !== null) this.exchange.body.awaitsContinue = false;
    this.reader.onBytes(bytes);
  }

  private onEnd(): void {
    this.inputEnded = true;
    if (!this.isOpen) return;
    if (this.session !== null) return this.session.onStreamEnd();
    const { exchange, reader } = this;
    if (exchange === null) {
      if (!reader.isEmpty) return; // the client must take its answers first; those to the rest follow
      if (reader.isInHead) this.refuse(new ProtocolError('RHK_HEAD_INCOMPLETE'), false);
      else this.shut();
      return;
    }
    if (exchange.endsWithInput) return this.destroy();
    if (reader.isEmpty) exchange.keepAlive = false; // else the last of the requests that came ends the connection
    this.watchHalfClosed(exchange);
    this.onUsedUp();
  }

  /**
   * The client has sent FIN: it may wait for its answer, or it may have gone; only a write will tell. It is given time for
   * the answer to begin, and a stream that is silent for a second is taken as one that nobody reads.
   */
  private watchHalfClosed(exchange: ReplyWriter): void {
    this.setDeadline(exchange.isHeadSent ? HALF_CLOSED_SILENCE_MS : this.host.limits.halfCloseTimeoutMs);
  }

  /** When all bytes are in, a body that wants more will not get it. */
  onUsedUp(): void {
    if (!this.inputEnded || !this.reader.isEmpty) return;
    this.exchange?.body?.fail(new ProtocolError('RHK_BODY_INCOMPLETE'));
  }

  mayReadHead(): boolean {
    if (this.outbox.size >= HIGH_WATER) this.flush();
    return !this.writer.isFull;
  }

  onHeadBegun(): void {
    this.setDeadline(this.host.limits.headTimeoutMs);
  }

  onHead(head: RequestHead): void {
    const { limits } = this.host;
    this.requestCount++;
    this.deadline = Infinity;
    if (head.contentLength > limits.maxBody) {
      const size = `request body is ${head.contentLength} octets, limit ${limits.maxBody} (maxBody)`;
      this.refuse(new ProtocolError('RHK_BODY_TOO_LARGE', size), head.method === 'HEAD', head);
      return;
    }
    const isLast = this.inputEnded && this.reader.isEmpty;
    const keepAlive =
      head.keepAlive &&
      !head.asksWebSocket && // refused, what stands behind it may be frames that were sent without waiting
      !this.isDraining &&
      this.requestCount < limits.maxRequestsPerConnection &&
      !isLast;
    const body = head.hasBody ? BodyIntake.of(head, limits, this, this.reader.isEmpty) : null;
    const exchange = new ReplyWriter(this, head, body, keepAlive);
    this.exchange = exchange;
    if (this.inputEnded) {
      this.watchHalfClosed(exchange);
      this.onUsedUp();
    }
    (this.listener as ConnectionListener).onExchange(exchange); // started, or no byte would have come
  }

  onFailed(error: unknown): void {
    this.report(error);
    this.destroy();
  }

  onAdvanced(): void {
    if (this.isClosed) return;
    if (this.inputEnded && this.exchange === null && this.reader.isEmpty) this.onEnd();
    this.flush();
    this.balanceReading();
  }

  /** The socket is read while bytes are wanted or few are waiting: so a client that leaves is noticed. */
  private balanceReading(): void {
    if (!this.isOpen || this.session !== null) return;
    const { reader } = this;
    const { isFull } = reader;
    if (isFull === reader.isReading) this.watchUnread(isFull);
    reader.setReading(!isFull);
  }

  /** A client that is not read cannot be seen to leave: one that floods behind its request has as long as one that sent FIN. */
  private watchUnread(isFull: boolean): void {
    const { exchange } = this;
    if (exchange === null || this.inputEnded || (exchange.body !== null && !exchange.body.isOver)) return;
    this.isUnwatched = isFull;
    if (isFull) this.watchHalfClosed(exchange);
    else this.deadline = Infinity;
  }

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
    this.onUsedUp();
    this.reader.advance();
  }

  onBodyEnd(): void {
    const { exchange } = this;
    if (exchange === null || !exchange.isSettled) return;
    this.judge(exchange);
  }

  // ── replies out ───────────────────────────────────────────────────────────────────────────────────────────────────

  touch(): void {
    if (!this.reader.isAdvancing) this.writer.touch(); // else what is made is sent when it has advanced
  }

  onTurnEnd(): void {
    if (!this.isClosed) this.flush();
  }

  flush(): void {
    if (this.exchange !== null) this.exchange.commit();
    this.writer.give();
    const { writer, exchange, session, host } = this;
    if ((this.inputEnded || this.isUnwatched) && exchange !== null && this.isOpen) this.watchHalfClosed(exchange);
    if (exchange !== null && exchange.isStarved && !writer.mustWait) host.clock.nextTurn(() => exchange.onFlushed());
    if (session !== null && session.isHeldBack && !writer.mustWait) host.clock.nextTurn(() => session.onDrain());
    if (this.closing !== null) this.endWhenSent(this.closing);
  }

  onDrain(): void {
    if (this.isClosed) return;
    this.flush();
    if (this.writer.mustWait) return;
    if (this.session !== null) this.session.onDrain();
    else if (this.exchange === null) this.reader.advance();
  }

  onReplyEnd(): void {
    if (this.exchange !== null) this.judge(this.exchange);
  }

  onReplyCut(hard: boolean): void {
    if (this.isClosed) return;
    if (hard) {
      this.outbox.clear();
      reset(this.stream);
      return;
    }
    this.exchange = null;
    this.flush();
    this.closing ??= new LingeringClose(this.stream);
    this.closing.isCut = true;
    this.endWhenSent(this.closing);
  }

  /** The reply is complete: does the connection go on, and when? */
  private judge(exchange: ReplyWriter): void {
    if (!this.isOpen) return;
    const { reader } = this;
    const { body } = exchange;
    if (body !== null && !body.isOver) {
      if (body.hasReader) return; // a handler that answered early still reads: the next request waits for it
      if (!exchange.keepAlive || !body.skip()) return this.shut();
      reader.advance();
      if (!body.isOver) {
        this.balanceReading();
        return;
      }
    }
    if (this.exchange !== exchange) return;
    if (!exchange.keepAlive || (body !== null && body.hasFailed)) return this.shut();
    this.exchange = null;
    this.isUnwatched = false;
    this.setDeadline(this.host.limits.keepAliveTimeoutMs);
    if (reader.isAdvancing) return;
    if (!reader.isEmpty) reader.advance();
    else {
      this.touch();
      this.balanceReading();
      if (this.inputEnded) this.onEnd();
    }
  }

  // ── frames ────────────────────────────────────────────────────────────────────────────────────────────────────────

  onUpgraded(options: UpgradeOptions, listener: FrameListener, deflate: PerMessageDeflate | null): FramePort {
    const session = new WebSocketSession(this, listener, options, deflate);
    this.session = session;
    if (this.isDraining) this.host.clock.endOfTurn(() => this.leaveSession(session)); // its owner is about to be told of it
    this.reader.advance();
    if (this.inputEnded) this.host.clock.endOfTurn(() => session.onStreamEnd()); // FIN came first, and will not come again
    return session;
  }

  /** Opened while the server drains. */
  private leaveSession(session: WebSocketSession): void {
    if (this.isOpen && !this.exchange?.endsByItself) session.close(GOING_AWAY, '');
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers a request that nobody above will see, and closes. */
  refuse(error: ProtocolError, isHead: boolean, head?: RequestHead): void {
    this.report(error, head);
    this.outbox.addText(refusalText(error, isHead, this.host));
    this.shut();
  }

  /** Sends what is owed, then FIN; drops what still comes until the client closes too. */
  shut(): void {
    if (!this.isOpen) return;
    this.closing = new LingeringClose(this.stream);
    if (this.session === null) this.exchange = null; // that of a WebSocket lasts as long as the socket
    this.reader.drop();
    this.deadline = Infinity;
    this.flush();
    this.reader.setReading(true);
  }

  private endWhenSent(closing: LingeringClose): void {
    if (this.outbox.size === 0 && closing.onAllGiven()) this.deadline = this.host.deadlines.tick + LINGER_TICKS;
  }

  private onClose(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.host.deadlines.forget(this);
    const { exchange, session } = this;
    this.exchange = null;
    this.session = null;
    this.reader.drop();
    this.outbox.clear();
    session?.onStreamClosed();
    if (exchange !== null) {
      exchange.onGone();
      exchange.body?.fail(new ProtocolError('RHK_CLIENT_GONE'));
    }
    this.listener?.onClosed();
    this.host.onConnectionClosed();
  }

  report(error: unknown, head: RequestHead | undefined = this.exchange?.head): void {
    this.host.report({ error, peer: this.peer, head });
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  private setDeadline(milliseconds: number): void {
    this.deadline = this.host.deadlines.tick + Deadlines.ticksFor(milliseconds);
  }

  onTick(tick: number): void {
    const { limits } = this.host;
    const hasReleased = this.writer.onTick();
    if (this.session !== null && this.isOpen) this.session.onTick(tick, hasReleased);
    if (this.writer.isStalled(hasReleased, limits.stallTimeoutMs)) return this.onStalled(limits.stallTimeoutMs);
    if (this.waiting > 0) return;
    if (this.exchange !== null && this.exchange.body !== null) this.exchange.body.onSecond(limits.bodyMinBytesPerSecond);
    if (tick >= this.deadline) this.onDeadline();
  }

  private onStalled(stallTimeoutMs: number): void {
    this.report(new ProtocolError('RHK_STALLED', `${ERRORS.RHK_STALLED.sentence}: ${stallTimeoutMs} ms (stallTimeoutMs)`));
    this.destroy();
  }

  private onDeadline(): void {
    if (this.closing !== null || this.exchange !== null) this.destroy();
    else if (this.reader.isInHead) this.refuse(new ProtocolError('RHK_HEAD_TIMEOUT'), false);
    else this.shut();
  }
}

const ignore = (): void => {};
