/**
 * An exchange whose reply a server of another make sends: what `transport/reply-writer.ts` is for our own.
 *
 * Owns: which replies have a body, content-length checks, the piece that is held until the turn ends, what may wait for a slow
 * client. Leaves: bytes and framing to that server.
 */
import { HandlerError, OverloadError } from '../errors.js';
import type { ReceivedHead } from '../protocol/request-head.js';
import { isBodilessStatus, ResponseFields, type ResponseHeaders, statusLine } from '../protocol/response-head.js';
import type { BodyPort, ExchangePort, FrameListener, FramePort, Peer, Settlement, UpgradeOptions } from '../transport/contracts.js';
import { systemClock } from '../transport/system-clock.js';

/** A field line of a reply; a name may stand more than once. */
export type FieldLine = readonly [name: string, value: string];

/** A reply whose status and fields are decided. */
export interface ForeignReply {
  readonly status: number;
  readonly lines: readonly FieldLine[];
  /** Octets; `undefined` where the length is not known before the end, or does not belong into the head. */
  readonly contentLength: number | undefined;
  readonly asksClose: boolean;
}

export type Piece = string | Uint8Array;

const State = { NONE: 0, HELD: 1, STREAM: 2, SETTLED: 3 } as const;
const HIGH_WATER = 65_536;

export abstract class ForeignExchange implements ExchangePort {
  readonly head: ReceivedHead;
  readonly peer: Peer;
  readonly body: BodyPort | null;
  endsWithInput: boolean;
  hasChannel: boolean;
  readonly drainingMs: null;
  onDrain: (() => void) | null;
  onSettled: ((how: Settlement) => void) | null;
  onDraining: ((withinMs: number) => void) | null;
  endsByItself: boolean;
  private readonly maxBufferedBytes: number;
  private state: number;
  private status: number;
  private fields: ResponseFields | null;
  private held: Piece | null;
  /** What is held is so much that its source was asked to wait. */
  private isStarved: boolean;
  /** Octets that are still to come, Infinity where nobody has said. */
  private missing: number;

  constructor(head: ReceivedHead, peer: Peer, body: BodyPort | null, maxBufferedBytes: number) {
    this.head = head;
    this.peer = peer;
    this.body = body;
    this.endsWithInput = false;
    this.hasChannel = false;
    this.drainingMs = null;
    this.onDrain = null;
    this.onSettled = null;
    this.onDraining = null;
    this.endsByItself = false;
    this.maxBufferedBytes = maxBufferedBytes;
    this.state = State.NONE;
    this.status = 200;
    this.fields = null;
    this.held = null;
    this.isStarved = false;
    this.missing = Infinity;
  }

  abstract report(error: unknown): void;
  /** The reply as a whole; `null` for no body. */
  protected abstract sendWhole(reply: ForeignReply, body: Piece | null): void;
  protected abstract openStream(reply: ForeignReply): void;
  /** @returns false when the client's credit is used up; `onDrain` follows then. */
  protected abstract put(piece: Piece): boolean;
  protected abstract closeStream(): void;
  /** Ends the reply so that the client can tell. */
  protected abstract breakStream(): void;
  /** Octets that the client has not taken yet. */
  protected abstract get waiting(): number;

  get isHeadSent(): boolean {
    return this.state > State.HELD;
  }

  get isSettled(): boolean {
    return this.state === State.SETTLED;
  }

  begin(status: number, headers: ResponseHeaders | undefined): void {
    if (this.state > State.HELD) return;
    statusLine(status); // refuses what is none, before anything has changed
    this.fields = new ResponseFields(headers);
    this.status = status;
    this.held = null;
    if (this.state === State.HELD) return;
    this.state = State.HELD;
    systemClock.endOfTurn(() => this.commit());
  }

  write(piece: Piece): boolean {
    if (piece.length === 0) return true;
    if (this.state === State.HELD) {
      if (this.held === null) {
        this.held = piece;
        this.isStarved = piece.length >= HIGH_WATER;
        return !this.isStarved;
      }
      this.commit();
    }
    return this.emit(piece);
  }

  end(): void {
    if (this.state === State.HELD) {
      const { held } = this;
      const reply = this.replyWith(held, this.wholeLength);
      const isBodiless = this.isBodiless;
      this.settle();
      this.sendWhole(reply, isBodiless ? null : held);
    } else if (this.state === State.STREAM) {
      if (this.missing > 0 && this.missing !== Infinity) {
        return this.cut(new HandlerError('RHK_BODY_LENGTH', `reply body ends ${this.missing} octets before its content-length`));
      }
      this.settle();
      this.closeStream();
    }
  }

  upgrade(_options: UpgradeOptions, _listener: FrameListener): FramePort {
    throw new HandlerError('RHK_BAD_REPLY', 'this request cannot become a WebSocket: the server it came by must hand over its upgrades');
  }

  cut(error: unknown): void {
    if (this.state === State.SETTLED) return;
    const { onSettled } = this;
    this.settle();
    if (error !== undefined) this.report(error);
    this.breakStream();
    onSettled?.('gone');
  }

  /** Nothing is answered here: somebody else does. */
  leave(): void {
    this.settleAs('answered');
  }

  /** The client has gone. */
  onGone(): void {
    if (this.state !== State.SETTLED) this.settleAs('gone');
  }

  private settleAs(how: Settlement): void {
    const { onSettled } = this;
    this.settle();
    onSettled?.(how);
  }

  private settle(): void {
    this.state = State.SETTLED;
    this.held = null;
    this.onDrain = null;
    this.onSettled = null;
  }

  /** The turn is over, or a second piece came: the reply is a stream now. */
  private commit(): void {
    if (this.state !== State.HELD) return;
    const { held, announced } = this;
    if (this.isBodiless) {
      const reply = this.replyWith(held, this.status === 204 ? undefined : this.status === 205 ? 0 : announced);
      const { onSettled } = this;
      this.settle();
      this.sendWhole(reply, null);
      onSettled?.('answered'); // no piece of what the handler still makes could ever leave
      return;
    }
    this.held = null;
    this.missing = announced ?? Infinity;
    this.state = State.STREAM;
    this.openStream(this.replyWith(held, announced));
    const { isStarved } = this;
    this.isStarved = false;
    if (held !== null && this.emit(held) && isStarved) this.onDrain?.();
  }

  private emit(piece: Piece): boolean {
    if (this.state !== State.STREAM) return true;
    const octets = octetsOf(piece);
    this.missing -= octets;
    if (this.missing < 0) {
      this.cut(new HandlerError('RHK_BODY_LENGTH', `reply body is ${-this.missing} octets longer than its content-length`));
      return false;
    }
    if (this.waiting > this.maxBufferedBytes) {
      const held = `${this.waiting} octets wait for a slow client, limit ${this.maxBufferedBytes} (maxBufferedBytes)`;
      this.cut(new OverloadError('RHK_SLOW_CLIENT', held));
      return false;
    }
    return this.put(piece);
  }

  private get isBodiless(): boolean {
    return this.head.method === 'HEAD' || isBodilessStatus(this.status) || this.status === 205;
  }

  private get announced(): number | undefined {
    const length = this.fields === null ? -1 : this.fields.contentLength;
    return length < 0 ? undefined : length;
  }

  /** RFC 9110 §8.6: none with 204; with HEAD and 304 what a GET would have had. */
  private get wholeLength(): number | undefined {
    const { held, announced } = this;
    if (this.status === 204) return undefined;
    if (this.status === 205) return 0;
    if (this.status === 304 || (this.isBodiless && held === null && announced !== undefined)) return announced;
    return held === null ? 0 : octetsOf(held);
  }

  private replyWith(first: Piece | null, contentLength: number | undefined): ForeignReply {
    const fields = this.fields as ResponseFields; // set by begin
    const lines = linesOf(fields);
    if (!fields.hasContentType && first !== null) lines.push(['content-type', typeof first === 'string' ? TEXT_TYPE : BYTES_TYPE]);
    return { status: this.status, lines, contentLength, asksClose: fields.asksClose };
  }
}

const TEXT_TYPE = 'text/plain; charset=utf-8';
const BYTES_TYPE = 'application/octet-stream';

const octetsOf = (piece: Piece): number => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length);

const linesOf = ({ lines }: ResponseFields): FieldLine[] =>
  lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    });
