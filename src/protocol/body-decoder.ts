/**
 * Body bytes out of message bytes, RFC 9112 §6 and §7: a body of known length, and a chunked one.
 *
 * Owns: where a body ends, which chunks are legal, what may stand around them. Leaves: who wants the bytes to
 * `transport/body-intake.ts`, and `maxBody` too, as only `announced` bytes are known here.
 */
import { type ErrorCode, ProtocolError } from '../errors.js';
import { FIELD_VALUE, HEX, QUOTED_TEXT, TOKEN } from './grammar.js';
import type { Fields } from './request-head.js';
import { type HeadLimits, RequestParser } from './request-parser.js';

/** One body in work. */
export interface BodyDecoder {
  /**
   * Uses bytes up to and including at most one piece of data, so that a reader can pause between two pieces.
   *
   * @returns Offset behind the last byte used.
   * @throws {@link ProtocolError} for a malformed body; the decoder is spent then.
   */
  next(bytes: Buffer, from: number): number;
  /** The piece that the last `next` found, a view into its bytes; `null` where it found none. */
  readonly data: Buffer | null;
  readonly isDone: boolean;
  /** Octets of data that are known to come or to have come: all of them, or the chunks announced so far. */
  readonly announced: number;
  /** Octets of data that are known to be missing still; `Infinity` where nobody knows. */
  readonly remaining: number;
  /** `undefined` where the body had no trailer section. */
  readonly trailers: Fields | undefined;
}

/** Content-length framing, RFC 9112 §6.2. */
export class LengthDecoder implements BodyDecoder {
  data: Buffer | null;
  remaining: number;
  readonly announced: number;
  readonly trailers: undefined;

  constructor(length: number) {
    this.data = null;
    this.remaining = length;
    this.announced = length;
    this.trailers = undefined;
  }

  get isDone(): boolean {
    return this.remaining === 0;
  }

  next(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.remaining);
    this.data = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
    this.remaining -= to - from;
    return to;
  }
}

/** Named for what is awaited. */
const State = {
  SIZE_START: 0,
  SIZE: 1,
  BLANK_BEFORE_EXTENSION: 2,
  EXTENSION_NAME_START: 3,
  EXTENSION_NAME: 4,
  BLANK_AFTER_NAME: 5,
  EXTENSION_VALUE_START: 6,
  EXTENSION_VALUE: 7,
  QUOTED_VALUE: 8,
  QUOTED_PAIR: 9,
  AFTER_QUOTED: 10,
  SIZE_LF: 11,
  DATA: 12,
  DATA_CR: 13,
  DATA_LF: 14,
  TRAILERS: 15,
  DONE: 16,
} as const;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** Octets of size lines beyond their first 16 significant characters, over a whole body: extensions and leading zeros. */
const MAX_OVERHEAD_BYTES = 16_384;

/** Chunked framing, RFC 9112 §7.1. */
export class ChunkedDecoder implements BodyDecoder {
  data: Buffer | null;
  announced: number;
  trailers: Fields | undefined;
  private state: number;
  /** Octets of the current chunk that are missing. */
  private missing: number;
  private overhead: number;
  private trailerParser: RequestParser | null;
  private readonly trailerLimits: HeadLimits;

  /** @param trailerLimits - What the head left of its budgets: one message, one budget. */
  constructor(trailerLimits: HeadLimits) {
    this.data = null;
    this.announced = 0;
    this.trailers = undefined;
    this.state = State.SIZE_START;
    this.missing = 0;
    this.overhead = 0;
    this.trailerParser = null;
    this.trailerLimits = trailerLimits;
  }

  get isDone(): boolean {
    return this.state === State.DONE;
  }

  get remaining(): number {
    return this.isDone ? 0 : Infinity;
  }

  next(bytes: Buffer, from: number): number {
    this.data = null;
    let i = from;
    let state = this.state;
    while (i < bytes.length) {
      const byte = bytes[i];
      switch (state) {
        case State.SIZE_START:
          if (HEX[byte] === 255) this.fail('RHK_BAD_CHUNK');
          this.missing = HEX[byte];
          state = State.SIZE;
          break;
        case State.SIZE:
          if (HEX[byte] !== 255) {
            if (this.missing === 0) this.countOverhead();
            this.missing = this.missing * 16 + HEX[byte];
            if (this.missing > Number.MAX_SAFE_INTEGER) this.fail('RHK_BAD_CHUNK');
          } else {
            state = this.afterElement(byte);
          }
          break;
        case State.BLANK_BEFORE_EXTENSION: // RFC 9112 §7.1.1: BWS before the semicolon, never before the line end
          this.countOverhead();
          if (byte === SEMICOLON) state = State.EXTENSION_NAME_START;
          else if (!isBlank(byte)) this.fail('RHK_BAD_CHUNK');
          break;
        case State.EXTENSION_NAME_START:
          this.countOverhead();
          if (TOKEN[byte] === 1) state = State.EXTENSION_NAME;
          else if (!isBlank(byte)) this.fail('RHK_BAD_CHUNK');
          break;
        case State.EXTENSION_NAME:
          this.countOverhead();
          if (TOKEN[byte] === 1) break;
          if (byte === EQUALS) state = State.EXTENSION_VALUE_START;
          else if (isBlank(byte)) state = State.BLANK_AFTER_NAME;
          else state = this.afterElement(byte);
          break;
        case State.BLANK_AFTER_NAME:
          this.countOverhead();
          if (byte === EQUALS) state = State.EXTENSION_VALUE_START;
          else if (byte === SEMICOLON) state = State.EXTENSION_NAME_START;
          else if (!isBlank(byte)) this.fail('RHK_BAD_CHUNK');
          break;
        case State.EXTENSION_VALUE_START:
          this.countOverhead();
          if (byte === QUOTE) state = State.QUOTED_VALUE;
          else if (TOKEN[byte] === 1) state = State.EXTENSION_VALUE;
          else if (!isBlank(byte)) this.fail('RHK_BAD_CHUNK');
          break;
        case State.EXTENSION_VALUE:
          this.countOverhead();
          if (TOKEN[byte] !== 1) state = this.afterElement(byte);
          break;
        case State.QUOTED_VALUE:
          this.countOverhead();
          if (byte === QUOTE) state = State.AFTER_QUOTED;
          else if (byte === BACKSLASH) state = State.QUOTED_PAIR;
          else if (QUOTED_TEXT[byte] !== 1) this.fail('RHK_BAD_CHUNK');
          break;
        case State.QUOTED_PAIR:
          this.countOverhead();
          if (FIELD_VALUE[byte] !== 1) this.fail('RHK_BAD_CHUNK');
          state = State.QUOTED_VALUE;
          break;
        case State.AFTER_QUOTED:
          this.countOverhead();
          state = this.afterElement(byte);
          break;
        case State.SIZE_LF:
          if (byte !== LF) this.fail('RHK_BAD_CHUNK');
          this.announced += this.missing;
          if (this.missing > 0) {
            state = State.DATA;
            break;
          }
          this.trailerParser = new RequestParser(this.trailerLimits, 'trailers');
          state = State.TRAILERS;
          break;
        case State.DATA: {
          const to = Math.min(bytes.length, i + this.missing);
          this.data = bytes.subarray(i, to);
          this.missing -= to - i;
          this.state = this.missing === 0 ? State.DATA_CR : State.DATA;
          return to;
        }
        case State.DATA_CR:
          if (byte !== CR) this.fail('RHK_BAD_CHUNK');
          state = State.DATA_LF;
          break;
        case State.DATA_LF:
          if (byte !== LF) this.fail('RHK_BAD_CHUNK');
          state = State.SIZE_START;
          break;
        case State.TRAILERS:
          this.state = state;
          return this.nextTrailers(bytes, i);
        case State.DONE:
          return i;
      }
      i++;
    }
    this.state = state;
    return i;
  }

  private nextTrailers(bytes: Buffer, from: number): number {
    const parser = this.trailerParser as RequestParser; // made on the way into this state
    const used = parser.push(bytes, from);
    if (parser.isSpent) {
      if (parser.fieldCount > 0) this.trailers = parser.trailers;
      this.trailerParser = null;
      this.state = State.DONE;
    }
    return used;
  }

  /** A size, a name or a value is over: an extension follows, or the line ends. */
  private afterElement(byte: number): number {
    if (byte === CR) return State.SIZE_LF;
    if (byte === SEMICOLON) return State.EXTENSION_NAME_START;
    if (isBlank(byte)) return State.BLANK_BEFORE_EXTENSION;
    return this.fail('RHK_BAD_CHUNK');
  }

  private countOverhead(): void {
    this.overhead++;
    if (this.overhead > MAX_OVERHEAD_BYTES) this.fail('RHK_CHUNK_OVERHEAD');
  }

  private fail(code: ErrorCode): never {
    throw new ProtocolError(code);
  }
}

const isBlank = (byte: number): boolean => byte === SP || byte === HTAB;
