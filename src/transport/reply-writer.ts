/**
 * One exchange, seen from the wire: its request head, its body, and the framing of its reply, RFC 9112 §6, §7; RFC 9110 §8.6.
 *
 * Owns: framing fields (nobody else sets them), which replies have content, content-length checks, credit of one reply.
 * Leaves: bytes on their way to `outbox.ts`, the connection's life to `connection.ts`.
 *
 * A reply is held until it ends or the turn does, whichever comes first: ended with one piece it has a content-length,
 * otherwise it is streamed.
 */
import { HandlerError, OverloadError } from '../errors.js';
import { acceptFor } from '../protocol/handshake.js';
import type { RequestHead } from '../protocol/request-head.js';
import {
  chunkSizeLine,
  isBodilessStatus,
  LAST_CHUNK,
  lengthLine,
  ResponseFields,
  type ResponseHeaders,
  statusLine,
} from '../protocol/response-head.js';
import type { BodyIntake } from './body-intake.js';
import type { ConnectionHost } from './connection-host.js';
import type { ExchangePort, FrameListener, FramePort, Peer, Settlement, UpgradeOptions } from './contracts.js';
import { negotiate } from './deflate-negotiation.js';
import { HIGH_WATER, type Outbox } from './outbox.js';
import { sharedChunk } from './shared-chunk.js';
import type { PerMessageDeflate } from './ws-parts.js';

/** What a reply needs of the connection it goes out on. */
export interface ReplyCarrier {
  readonly host: ConnectionHost;
  readonly peer: Peer;
  readonly outbox: Outbox;
  /** Octets that the client has not taken yet. */
  readonly waiting: number;
  /** Asks for a flush when the turn ends. */
  touch(): void;
  /** Flushes now. */
  flush(): void;
  /** The reply is complete, as far as this exchange is concerned. */
  onReplyEnd(): void;
  /** The reply was broken off. */
  onReplyCut(cutHard: boolean): void;
  /** The 101 is in the outbox: from now on the bytes are frames. */
  onUpgraded(options: UpgradeOptions, listener: FrameListener, deflate: PerMessageDeflate | null): FramePort;
  report(error: unknown, head: RequestHead | undefined): void;
}

/** Named for how the end of the body is told. */
const Framing = { NONE: 0, HELD: 1, CHUNKED: 2, LENGTH: 3, CLOSE: 4, BODILESS: 5, UPGRADED: 6, SETTLED: 7 } as const;

/** Pieces in one turn after which a source that can wait is asked to: an endless run of empty pieces must not hold the turn. */
const MAX_PIECES_PER_TURN = 4_096;

export class ReplyWriter implements ExchangePort {
  readonly head: RequestHead;
  readonly body: BodyIntake | null;
  /** The connection goes on after this reply. */
  keepAlive: boolean;
  endsWithInput: boolean;
  hasChannel: boolean;
  onDrain: (() => void) | null;
  onSettled: ((how: Settlement) => void) | null;
  onDraining: ((withinMs: number) => void) | null;
  endsByItself: boolean;
  /** `write` has returned false since the last flush. */
  isStarved: boolean;
  private readonly carrier: ReplyCarrier;
  private readonly isHead: boolean;
  private framing: number;
  private status: number;
  private fields: ResponseFields | null;
  /** The first piece, while the framing is open. */
  private held: string | Uint8Array | null;
  /** Octets that a LENGTH body still needs. */
  private missing: number;
  private pieces: number;

  constructor(carrier: ReplyCarrier, head: RequestHead, body: BodyIntake | null, keepAlive: boolean) {
    this.head = head;
    this.body = body;
    this.keepAlive = keepAlive;
    this.endsWithInput = false;
    this.hasChannel = false;
    this.onDrain = null;
    this.onSettled = null;
    this.onDraining = null;
    this.endsByItself = false;
    this.isStarved = false;
    this.carrier = carrier;
    this.isHead = head.method === 'HEAD';
    this.framing = Framing.NONE;
    this.status = 200;
    this.fields = null;
    this.held = null;
    this.missing = 0;
    this.pieces = 0;
  }

  get peer(): Peer {
    return this.carrier.peer;
  }

  get drainingMs(): number | null {
    return this.carrier.host.drainingMs;
  }

  get isHeadSent(): boolean {
    return this.framing > Framing.HELD;
  }

  get isSettled(): boolean {
    return this.framing === Framing.SETTLED;
  }

  begin(status: number, headers: ResponseHeaders | undefined): void {
    if (this.framing > Framing.HELD) return;
    statusLine(status); // refuses what is none, before anything has changed
    this.fields = new ResponseFields(headers);
    this.status = status;
    this.held = null;
    if (this.fields.asksClose) this.keepAlive = false;
    if (this.framing === Framing.NONE) {
      this.framing = Framing.HELD;
      this.carrier.touch();
    }
  }

  write(piece: string | Uint8Array): boolean {
    this.pieces++;
    if (piece.length > 0) {
      if (this.framing === Framing.HELD) {
        if (this.held === null) {
          this.held = piece;
          return this.hasCredit();
        }
        this.commit();
      }
      this.emit(piece);
    }
    return this.hasCredit();
  }

  end(): void {
    switch (this.framing) {
      case Framing.HELD:
        this.sendWhole();
        break;
      case Framing.CHUNKED:
        this.carrier.outbox.addText(LAST_CHUNK);
        break;
      case Framing.LENGTH:
        if (this.missing > 0) {
          return this.cut(lengthError(`reply body ends ${this.missing} octets before its content-length`));
        }
        break;
      case Framing.SETTLED:
        return;
    }
    this.settle();
    this.carrier.onReplyEnd();
  }

  upgrade(options: UpgradeOptions, listener: FrameListener): FramePort {
    const fields = new ResponseFields(options.headers);
    const { carrier } = this;
    const { host } = carrier;
    const maxWs = options.maxWs ?? host.limits.maxWs;
    const { answer, deflate } = negotiate(options, maxWs);
    this.framing = Framing.UPGRADED;
    carrier.outbox.addText(
      SWITCHING_LINE +
        (fields.hasServer ? '' : host.serverLine) +
        (fields.hasDate ? '' : host.deadlines.dateLine) +
        `upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${acceptFor(options.key)}\r\n` +
        (options.protocol === undefined ? '' : `sec-websocket-protocol: ${options.protocol}\r\n`) +
        (answer === undefined ? '' : `sec-websocket-extensions: ${answer}\r\n`) +
        fields.lines +
        '\r\n',
    );
    carrier.touch();
    return carrier.onUpgraded({ ...options, maxWs }, listener, deflate);
  }

  cut(error: unknown): void {
    this.breakOff(error, this.framing === Framing.CLOSE);
  }

  report(error: unknown): void {
    this.carrier.report(error, this.head);
  }

  /** Who listens will end this exchange in time. */
  tellDraining(withinMs: number): void {
    const { onDraining } = this;
    if (onDraining === null) return;
    this.onDraining = null;
    this.endsByItself = true;
    onDraining(withinMs);
  }

  /** The client has gone, or the connection was closed: nothing can be sent any more. */
  onGone(): void {
    if (this.framing === Framing.SETTLED) return;
    const onSettled = this.onSettled;
    this.settle();
    onSettled?.('gone');
  }

  /** The turn is over, or a second piece came: the reply is a stream now, and its head leaves. */
  commit(): void {
    if (this.framing !== Framing.HELD) return;
    const fields = this.fields as ResponseFields; // set by begin, as framing is HELD
    const held = this.held;
    this.held = null;
    const typeLine = contentTypeLine(fields, held);
    if (this.isHead || isBodilessStatus(this.status) || this.status === 205) {
      this.commitBodiless(fields, typeLine);
      return;
    }
    if (fields.contentLength >= 0) {
      this.framing = Framing.LENGTH;
      this.missing = fields.contentLength;
      this.sendHead(fields, typeLine, lengthLine(fields.contentLength));
    } else if (this.head.minorVersion === 1) {
      this.framing = Framing.CHUNKED;
      this.sendHead(fields, typeLine, CHUNKED_LINE);
    } else {
      this.framing = Framing.CLOSE;
      this.keepAlive = false;
      this.sendHead(fields, typeLine, '');
    }
    if (held !== null) this.emit(held);
  }

  /** Called after each flush: more may be written. */
  onFlushed(): void {
    this.pieces = 0;
    if (!this.isStarved) return;
    this.isStarved = false;
    this.onDrain?.();
  }

  private hasCredit(): boolean {
    if (this.carrier.outbox.size < HIGH_WATER && this.pieces < MAX_PIECES_PER_TURN && heldLength(this.held) < HIGH_WATER) return true;
    this.isStarved = true;
    this.carrier.touch();
    return false;
  }

  /** Nothing of this reply is left to the framing's decision: `held` is all there is. */
  private sendWhole(): void {
    const fields = this.fields as ResponseFields; // set by begin, as framing is HELD
    const held = this.held;
    const typeLine = contentTypeLine(fields, held);
    const length = held === null ? 0 : typeof held === 'string' ? Buffer.byteLength(held) : held.length;
    if (this.status === 205) {
      this.sendHead(fields, typeLine, EMPTY_LENGTH_LINE);
      return;
    }
    if (isBodilessStatus(this.status)) {
      const announced = this.status === 304 && fields.contentLength >= 0 ? fields.contentLength : -1;
      this.sendHead(fields, typeLine, announced < 0 ? '' : lengthLine(announced));
      return;
    }
    if (this.isHead) {
      // RFC 9110 §8.6: the length a GET would have had; only the handler knows it when it has made no body
      const announced = held === null && fields.contentLength >= 0 ? fields.contentLength : length;
      this.sendHead(fields, typeLine, lengthLine(announced));
      return;
    }
    if (held === null) {
      this.sendHead(fields, typeLine, EMPTY_LENGTH_LINE);
      return;
    }
    this.sendHead(fields, typeLine, lengthLine(length));
    this.put(held, length);
  }

  private commitBodiless(fields: ResponseFields, typeLine: string): void {
    this.framing = Framing.BODILESS;
    let framingLine = '';
    if (this.status === 205) framingLine = EMPTY_LENGTH_LINE;
    else if (fields.contentLength >= 0 && this.status !== 204) framingLine = lengthLine(fields.contentLength);
    else if (this.isHead && !isBodilessStatus(this.status) && this.head.minorVersion === 1) framingLine = CHUNKED_LINE;
    this.sendHead(fields, typeLine, framingLine);
    const onSettled = this.onSettled;
    this.settle();
    onSettled?.('answered'); // no piece of what the handler still makes could ever leave
    this.carrier.onReplyEnd();
  }

  private sendHead(fields: ResponseFields, typeLine: string, framingLine: string): void {
    const { host, outbox } = this.carrier;
    if (this.body !== null && this.body.endsConnection) this.keepAlive = false;
    outbox.addText(
      (fields.hasServer || fields.hasDate
        ? statusLine(this.status) + (fields.hasServer ? '' : host.serverLine) + (fields.hasDate ? '' : host.deadlines.dateLine)
        : host.headStart(this.status)) +
        typeLine +
        fields.lines +
        framingLine +
        this.connectionLine(fields) +
        '\r\n',
    );
  }

  /** RFC 9112 §9.3: persistence goes without saying in HTTP/1.1, and must be said in HTTP/1.0. */
  private connectionLine(fields: ResponseFields): string {
    const { upgradeLine } = fields;
    if (upgradeLine !== '') return upgradeLine + (this.keepAlive ? 'connection: upgrade\r\n' : 'connection: upgrade, close\r\n');
    if (!this.keepAlive) return 'connection: close\r\n';
    return this.head.minorVersion === 0 ? 'connection: keep-alive\r\n' : '';
  }

  /** Sends a piece in the framing that was chosen. */
  private emit(piece: string | Uint8Array): void {
    if (this.framing < Framing.CHUNKED || this.framing > Framing.CLOSE) return;
    const chunk = this.framing === Framing.CHUNKED && typeof piece === 'string' ? sharedChunk(piece) : null;
    if (chunk !== null) {
      if (!this.makeRoom()) return;
      if (typeof chunk === 'string') this.carrier.outbox.addText(chunk);
      else this.carrier.outbox.addBytes(chunk);
      this.carrier.touch();
      return;
    }
    const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
    if (this.framing === Framing.LENGTH) {
      if (length > this.missing)
        return this.cut(lengthError(`reply body is ${length - this.missing} octets longer than its content-length`));
      this.missing -= length;
    }
    if (!this.makeRoom()) return;
    if (this.framing === Framing.CHUNKED) {
      this.carrier.outbox.addText(chunkSizeLine(length));
      this.put(piece, length);
      this.carrier.outbox.addText('\r\n');
    } else {
      this.put(piece, length);
    }
    this.carrier.touch();
  }

  /** Keeps what waits below `maxBufferedBytes`: one piece may pass it, the next finds the reply cut. */
  private makeRoom(): boolean {
    const { carrier } = this;
    if (carrier.outbox.size >= HIGH_WATER) carrier.flush();
    const { maxBufferedBytes } = carrier.host.limits;
    if (carrier.waiting <= maxBufferedBytes) return true;
    const held = `${carrier.waiting} octets wait for a slow client, limit ${maxBufferedBytes} (maxBufferedBytes)`;
    this.breakOff(new OverloadError('RHK_SLOW_CLIENT', held), true);
    return false;
  }

  /** @param hard - What waits must not leave any more, or the end must not look like an end. */
  private breakOff(error: unknown, hard: boolean): void {
    if (this.framing === Framing.SETTLED) return;
    const onSettled = this.onSettled;
    this.settle();
    if (error !== undefined) this.carrier.report(error, this.head);
    this.carrier.onReplyCut(hard);
    onSettled?.('gone');
  }

  /** Text that is US-ASCII goes out as it is, together with its head; other text as UTF-8. */
  private put(piece: string | Uint8Array, length: number): void {
    if (typeof piece !== 'string') this.carrier.outbox.addBytes(piece);
    else if (piece.length === length && length < HIGH_WATER) this.carrier.outbox.addText(piece);
    else this.carrier.outbox.addBytes(Buffer.from(piece));
  }

  private settle(): void {
    this.framing = Framing.SETTLED;
    this.held = null;
    this.onDrain = null;
    this.onSettled = null;
    this.onDraining = null;
  }
}

const SWITCHING_LINE = 'HTTP/1.1 101 Switching Protocols\r\n';
const TEXT_TYPE_LINE = 'content-type: text/plain; charset=utf-8\r\n';
const BYTES_TYPE_LINE = 'content-type: application/octet-stream\r\n';
const CHUNKED_LINE = 'transfer-encoding: chunked\r\n';
const EMPTY_LENGTH_LINE = 'content-length: 0\r\n';

const contentTypeLine = (fields: ResponseFields, first: string | Uint8Array | null): string => {
  if (fields.hasContentType || first === null) return '';
  return typeof first === 'string' ? TEXT_TYPE_LINE : BYTES_TYPE_LINE;
};

const heldLength = (held: string | Uint8Array | null): number => (held === null ? 0 : held.length);

const lengthError = (message: string): HandlerError => new HandlerError('RHK_BODY_LENGTH', message);
