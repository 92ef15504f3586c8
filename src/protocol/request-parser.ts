/**
 * Request heads (and trailer sections) out of bytes, RFC 9112 §2–§5, §7.1.2.
 *
 * Owns: where a head ends, which lines are legal, what the framing fields say, the limits of a head.
 * Leaves: the body to `body-decoder.ts`, sockets and time to `transport/`.
 *
 * One pass with a resumable index: a head that comes byte by byte costs the same as one that comes at once.
 */
import { type ErrorCode, ProtocolError } from '../errors.js';
import { FIELD_VALUE, isAuthority, REG_NAME, TARGET, TOKEN } from './grammar.js';
import { type Fields, fieldsFrom, type HeadFacts, RequestHead } from './request-head.js';

/** The limits of one message; all three count what the peer sent, padding included. */
export interface HeadLimits {
  /** Octets of the request line and of each field line, without CRLF; past it 414. */
  readonly maxLine: number;
  /** Field lines; past it 431. */
  readonly maxHeaders: number;
  /** Octets from the first one, leading CRLF included, through the final CRLF; past it 431. */
  readonly maxHeadBytes: number;
}

/** Named for what is awaited. */
const State = {
  METHOD_START: 0,
  LEADING_LF: 1,
  METHOD: 2,
  TARGET: 3,
  VERSION: 4,
  REQUEST_LINE_LF: 5,
  FIELD_START: 6,
  FIELD_NAME: 7,
  VALUE_START: 8,
  VALUE: 9,
  FIELD_LF: 10,
  FINAL_LF: 11,
  SPENT: 12,
} as const;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COMMA = 0x2c;
const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;
const ASTERISK = 0x2a;
const NINE = 0x39;
const ZERO = 0x30;
const CASE_BIT = 0x20;
const LOWER_A = 0x61;
const DEL = 0x7f;

const VERSION_PREFIX = Buffer.from('HTTP/');
/** `HTTP/` DIGIT `.` DIGIT. */
const VERSION_LENGTH = 8;
const MAX_PORT_DIGITS = 5;
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)/i;

export class RequestParser implements HeadFacts {
  /** The finished head, set by the `push` that saw its last byte. */
  head: RequestHead | null;

  // The facts of the head in work, read by RequestHead.
  bytes: Buffer;
  method: string;
  minorVersion: number;
  contentLength: number;
  isChunked: boolean;
  keepAlive: boolean;
  expectsContinue: boolean;
  asksUpgrade: boolean;
  fieldCount: number;
  byteLength: number;
  targetAuthority: string | undefined;
  pathStart: number;
  queryStart: number;
  targetEnd: number;
  hostStart: number;
  hostEnd: number;
  fieldsStart: number;
  fieldsEnd: number;

  private readonly limits: HeadLimits;
  private readonly firstState: number;
  private state: number;
  /** Offset of the head's first byte in `bytes`. */
  private start: number;
  private lineStart: number;
  private valueStart: number;
  private nameEnd: number;
  /** The scan goes on here. */
  private index: number;
  /** How many bytes of `bytes` are ours, when it is a buffer of our own that grows with what comes; else -1. */
  private heldLength: number;
  private majorVersion: number;
  private hostCount: number;
  private hasTransferEncoding: boolean;
  private asksClose: boolean;
  private asksKeepAlive: boolean;
  private hasUpgradeOption: boolean;
  private hasUpgradeField: boolean;
  private badExpectation: boolean;
  private codingFailure: ErrorCode | null;

  constructor(limits: HeadLimits, section: 'head' | 'trailers' = 'head') {
    this.head = null;
    this.bytes = EMPTY;
    this.method = '';
    this.minorVersion = 1;
    this.contentLength = -1;
    this.isChunked = false;
    this.keepAlive = true;
    this.expectsContinue = false;
    this.asksUpgrade = false;
    this.fieldCount = 0;
    this.byteLength = 0;
    this.targetAuthority = undefined;
    this.pathStart = 0;
    this.queryStart = 0;
    this.targetEnd = 0;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.fieldsStart = 0;
    this.fieldsEnd = 0;
    this.limits = limits;
    this.firstState = section === 'head' ? State.METHOD_START : State.FIELD_START;
    this.state = this.firstState;
    this.start = 0;
    this.lineStart = 0;
    this.valueStart = 0;
    this.nameEnd = 0;
    this.index = 0;
    this.heldLength = -1;
    this.majorVersion = 1;
    this.hostCount = 0;
    this.hasTransferEncoding = false;
    this.asksClose = false;
    this.asksKeepAlive = false;
    this.hasUpgradeOption = false;
    this.hasUpgradeField = false;
    this.badExpectation = false;
    this.codingFailure = null;
  }

  /** Bytes of an unfinished head are in, beyond leading empty lines. */
  get isInHead(): boolean {
    return this.state > State.LEADING_LF;
  }

  /** True when the section is a trailer section that is complete; its lines are then in {@link trailers}. */
  get isSpent(): boolean {
    return this.state === State.SPENT;
  }

  /** The fields of a finished trailer section. */
  get trailers(): Fields {
    return fieldsFrom(this.bytes.toString('latin1', this.fieldsStart, this.fieldsEnd));
  }

  /** Makes a spent parser ready for the next head. */
  reset(): void {
    this.head = null;
    this.bytes = EMPTY;
    this.method = '';
    this.contentLength = -1;
    this.isChunked = false;
    this.expectsContinue = false;
    this.fieldCount = 0;
    this.queryStart = -1;
    this.targetAuthority = undefined;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.state = this.firstState;
    this.heldLength = -1;
    this.hostCount = 0;
    this.hasTransferEncoding = false;
    this.asksClose = false;
    this.asksKeepAlive = false;
    this.hasUpgradeOption = false;
    this.hasUpgradeField = false;
    this.badExpectation = false;
    this.codingFailure = null;
  }

  /**
   * Feeds the bytes that just arrived; they may stop anywhere, even between CR and LF.
   *
   * @param chunk - Kept by a finished head that was in it as a whole; copied where a head comes in pieces.
   * @param from - Offset of the first byte to use.
   * @returns Offset behind the last byte used. Below `chunk.length` only when the section is complete.
   * @throws {@link ProtocolError} with the status to answer. After a throw the parser is spent and the connection must close.
   */
  push(chunk: Buffer, from: number): number {
    if (this.heldLength < 0 && this.state === this.firstState) {
      this.bytes = chunk;
      this.begin(from);
      this.scan(Math.min(chunk.length, from + this.limits.maxHeadBytes));
      if (this.state === State.SPENT) return this.index;
      this.checkBudget(chunk.length - from);
      this.hold(chunk, from);
      return chunk.length;
    }
    const heldBefore = this.heldLength;
    this.append(chunk, from);
    this.scan(this.heldLength);
    if (this.state === State.SPENT) return from + this.index - heldBefore;
    this.checkBudget(heldBefore + chunk.length - from);
    return chunk.length;
  }

  private begin(from: number): void {
    this.start = from;
    this.index = from;
    this.lineStart = from;
    this.fieldsStart = from;
  }

  /** An unfinished head, of which `received` bytes came: is there room for one more? What is past the limit was not scanned. */
  private checkBudget(received: number): void {
    const length = Math.min(received, this.limits.maxHeadBytes);
    if (length - (this.lineStart - this.start) > this.limits.maxLine + 1) this.fail('RHK_LINE_TOO_LONG');
    if (length >= this.limits.maxHeadBytes) {
      const isRequestLine = this.lineStart === this.start && this.state >= State.METHOD && this.state <= State.REQUEST_LINE_LF;
      this.fail(isRequestLine ? 'RHK_LINE_TOO_LONG' : 'RHK_HEAD_TOO_LARGE');
    }
  }

  /** Copies an unfinished head into a buffer of our own: the chunk may be large, and the rest may be long in coming. */
  private hold(chunk: Buffer, from: number): void {
    const length = chunk.length - from;
    const held = Buffer.allocUnsafeSlow(Math.min(Math.max(512, 2 * length), this.limits.maxHeadBytes));
    chunk.copy(held, 0, from);
    this.bytes = held;
    this.heldLength = length;
    this.lineStart -= from;
    this.valueStart -= from;
    this.nameEnd -= from;
    this.index -= from;
    this.pathStart -= from;
    if (this.queryStart >= 0) this.queryStart -= from; // -1: no question mark yet
    this.targetEnd -= from;
    this.hostStart -= from;
    this.hostEnd -= from;
    this.fieldsStart -= from;
    this.fieldsEnd -= from;
    this.start = 0;
  }

  private append(chunk: Buffer, from: number): void {
    const to = Math.min(chunk.length, from + this.limits.maxHeadBytes - this.heldLength);
    const length = this.heldLength + to - from;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * this.bytes.length, length), this.limits.maxHeadBytes));
      this.bytes.copy(larger, 0, 0, this.heldLength);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.heldLength, from, to);
    this.heldLength = length;
  }

  /** Scans `bytes` from `index` up to `end`, or to the end of the section. */
  private scan(end: number): void {
    const bytes = this.bytes;
    const maxLine = this.limits.maxLine;
    let i = this.index;
    let state = this.state;
    while (i < end) {
      switch (state) {
        case State.VALUE: {
          i = skipFieldValue(bytes, i, end);
          if (i === end) break;
          if (bytes[i] !== CR) this.fail(bytes[i] === LF ? 'RHK_BAD_LINE_END' : 'RHK_BAD_FIELD_VALUE');
          if (i - this.lineStart > maxLine) this.fail('RHK_LINE_TOO_LONG');
          i++;
          state = State.FIELD_LF;
          break;
        }
        case State.FIELD_LF:
          if (bytes[i] !== LF) this.fail('RHK_BAD_LINE_END');
          this.field(bytes, i - 1);
          i++;
          this.lineStart = i;
          state = State.FIELD_START;
          break;
        case State.FIELD_START: {
          const first = bytes[i];
          if (first === CR) {
            this.fieldsEnd = i;
            i++;
            state = State.FINAL_LF;
            break;
          }
          if (first === SP || first === HTAB) this.fail('RHK_FOLDED_FIELD');
          if (first === LF) this.fail('RHK_BAD_LINE_END');
          if (TOKEN[first] !== 1) this.fail('RHK_BAD_FIELD_NAME');
          if (this.fieldCount === this.limits.maxHeaders) this.fail('RHK_TOO_MANY_FIELDS');
          i++;
          state = State.FIELD_NAME;
          break;
        }
        case State.FIELD_NAME: {
          while (i < end && TOKEN[bytes[i]] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== COLON) this.fail(isLineEnd(bytes[i]) ? 'RHK_BAD_LINE_END' : 'RHK_BAD_FIELD_NAME');
          this.nameEnd = i;
          i++;
          state = State.VALUE_START;
          break;
        }
        case State.VALUE_START: {
          while (i < end && isBlank(bytes[i])) i++;
          if (i === end) break;
          this.valueStart = i;
          state = State.VALUE;
          break;
        }
        case State.METHOD_START:
          if (bytes[i] === CR) {
            i++;
            state = State.LEADING_LF;
          } else {
            this.lineStart = i;
            state = State.METHOD;
          }
          break;
        case State.LEADING_LF: // RFC 9112 §2.2: an empty line before the request line is skipped
          if (bytes[i] !== LF) this.fail('RHK_BAD_LINE_END');
          i++;
          this.lineStart = i;
          state = State.METHOD_START;
          break;
        case State.METHOD: {
          while (i < end && TOKEN[bytes[i]] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== SP || i === this.lineStart) this.fail(isLineEnd(bytes[i]) ? 'RHK_BAD_LINE_END' : 'RHK_BAD_REQUEST_LINE');
          this.method = methodFrom(bytes, this.lineStart, i);
          i++;
          this.pathStart = i;
          this.queryStart = -1;
          state = State.TARGET;
          break;
        }
        case State.TARGET: {
          while (i < end && TARGET[bytes[i]] === 1) {
            if (bytes[i] === QUESTION && this.queryStart === -1) this.queryStart = i;
            i++;
          }
          if (i === end) break;
          if (bytes[i] !== SP || i === this.pathStart) {
            this.fail(i === this.pathStart || isLineEnd(bytes[i]) ? 'RHK_BAD_REQUEST_LINE' : 'RHK_BAD_TARGET');
          }
          this.targetEnd = i;
          if (this.queryStart === -1) this.queryStart = i;
          i++;
          state = State.VERSION;
          break;
        }
        case State.VERSION: {
          const at = i - this.targetEnd - 1;
          if (at === VERSION_LENGTH) {
            if (bytes[i] !== CR) this.fail(bytes[i] === LF ? 'RHK_BAD_LINE_END' : 'RHK_BAD_REQUEST_LINE');
            if (i - this.lineStart > maxLine) this.fail('RHK_LINE_TOO_LONG');
            state = State.REQUEST_LINE_LF;
          } else if (at < 5 ? bytes[i] !== VERSION_PREFIX[at] : at === 6 ? bytes[i] !== 0x2e : !isDigit(bytes[i])) {
            this.fail('RHK_BAD_REQUEST_LINE');
          } else if (at === 5) {
            this.majorVersion = bytes[i] - ZERO;
          } else if (at === 7) {
            this.minorVersion = bytes[i] - ZERO;
          }
          i++;
          break;
        }
        case State.REQUEST_LINE_LF:
          if (bytes[i] !== LF) this.fail('RHK_BAD_LINE_END');
          if (this.majorVersion !== 1) this.fail('RHK_UNKNOWN_VERSION');
          if (this.minorVersion > 1) this.minorVersion = 1; // as the highest of its major version that is known, RFC 9110 §2.5
          i++;
          this.lineStart = i;
          this.fieldsStart = i;
          state = State.FIELD_START;
          break;
        case State.FINAL_LF:
          if (bytes[i] !== LF) this.fail('RHK_BAD_LINE_END');
          i++;
          this.index = i;
          this.state = State.SPENT;
          this.byteLength = i - this.start;
          if (this.firstState === State.METHOD_START) this.finish();
          return;
      }
    }
    this.index = i;
    this.state = state;
  }

  /** A field line is complete, its value ends before `end`. Looks only at the fields that frame messages. */
  private field(bytes: Buffer, end: number): void {
    this.fieldCount++;
    const start = this.lineStart;
    const length = this.nameEnd - start;
    if (this.firstState === State.FIELD_START) return; // trailers never frame anything, RFC 9110 §6.5.1
    switch (length) {
      case 4:
        if (matches(bytes, start, HOST)) this.host(end);
        return;
      case 6:
        if (matches(bytes, start, EXPECT)) this.expect(bytes, end);
        return;
      case 7:
        if (matches(bytes, start, UPGRADE)) this.hasUpgradeField = true;
        return;
      case 10:
        if (matches(bytes, start, CONNECTION)) this.connectionOptions(bytes, end);
        return;
      case 14:
        if (matches(bytes, start, CONTENT_LENGTH)) this.length(bytes, end);
        return;
      case 17:
        if (matches(bytes, start, TRANSFER_ENCODING)) this.transferCodings(bytes, end);
    }
  }

  private host(end: number): void {
    this.hostCount++;
    this.hostStart = this.valueStart;
    this.hostEnd = this.valueEnd(end);
  }

  private expect(bytes: Buffer, end: number): void {
    const valueEnd = this.valueEnd(end);
    // RFC 9110 §10.1.1: case-insensitive; a second line would make a list, which is another expectation
    if (valueEnd - this.valueStart === CONTINUE.length && matches(bytes, this.valueStart, CONTINUE) && !this.expectsContinue) {
      this.expectsContinue = true;
    } else {
      this.badExpectation = true;
    }
  }

  private length(bytes: Buffer, end: number): void {
    const valueEnd = this.valueEnd(end);
    if (this.contentLength !== -1 || this.valueStart === valueEnd) this.fail('RHK_BAD_CONTENT_LENGTH');
    let length = 0;
    for (let i = this.valueStart; i < valueEnd; i++) {
      if (!isDigit(bytes[i])) this.fail('RHK_BAD_CONTENT_LENGTH');
      length = length * 10 + (bytes[i] - ZERO); // in this order: the sum is exact up to the largest safe integer
      if (length > Number.MAX_SAFE_INTEGER) this.fail('RHK_BAD_CONTENT_LENGTH');
    }
    this.contentLength = length;
  }

  /** RFC 9112 §6.1, §6.3(3–4): `chunked` alone frames a request; a list that ends in it is understood, but not supported. */
  private transferCodings(bytes: Buffer, end: number): void {
    const valueEnd = this.valueEnd(end);
    if (this.hasTransferEncoding) this.fail('RHK_BAD_TRANSFER_ENCODING');
    this.hasTransferEncoding = true;
    if (valueEnd - this.valueStart === CHUNKED.length && matches(bytes, this.valueStart, CHUNKED)) {
      this.isChunked = true;
      return;
    }
    const codings = bytes.toString('latin1', this.valueStart, valueEnd);
    this.codingFailure =
      OTHER_CODINGS_THEN_CHUNKED.test(codings) && !CHUNKED_TWICE.test(codings)
        ? 'RHK_UNKNOWN_TRANSFER_CODING'
        : 'RHK_BAD_TRANSFER_ENCODING';
  }

  /** RFC 9110 §7.6.1: a list of tokens, compared whole. */
  private connectionOptions(bytes: Buffer, end: number): void {
    let start = this.valueStart;
    for (let i = start; i <= end; i++) {
      if (i < end && bytes[i] !== COMMA) continue;
      let last = i;
      while (start < last && isBlank(bytes[start])) start++;
      while (last > start && isBlank(bytes[last - 1])) last--;
      if (last - start === 5 && matches(bytes, start, CLOSE)) this.asksClose = true;
      else if (last - start === 10 && matches(bytes, start, KEEP_ALIVE)) this.asksKeepAlive = true;
      else if (last - start === 7 && matches(bytes, start, UPGRADE)) this.hasUpgradeOption = true;
      start = i + 1;
    }
  }

  private valueEnd(end: number): number {
    const bytes = this.bytes;
    while (end > this.valueStart && isBlank(bytes[end - 1])) end--;
    return end;
  }

  /** All lines are legal; is the whole? */
  private finish(): void {
    if (this.hostCount > 1 || (this.hostCount === 0 && this.minorVersion === 1)) this.fail('RHK_BAD_HOST');
    this.checkHost();
    this.checkTarget();
    if (this.hasTransferEncoding) {
      if (this.contentLength !== -1 || this.minorVersion === 0) this.fail('RHK_BAD_TRANSFER_ENCODING');
      if (this.codingFailure !== null) this.fail(this.codingFailure);
    }
    if (!METHODS.includes(this.method) && (!IS_UPPER_CASE.test(this.method) || this.method === 'CONNECT')) this.fail('RHK_UNKNOWN_METHOD');
    if (this.minorVersion === 0)
      this.expectsContinue = false; // RFC 9110 §10.1.1: ignored from HTTP/1.0
    else if (this.badExpectation) this.fail('RHK_UNKNOWN_EXPECTATION');
    this.keepAlive = !this.asksClose && (this.minorVersion === 1 || this.asksKeepAlive);
    this.asksUpgrade = this.hasUpgradeField && this.hasUpgradeOption && this.minorVersion === 1;
    this.head = new RequestHead(this);
  }

  private checkHost(): void {
    const bytes = this.bytes;
    const end = this.hostEnd;
    let i = this.hostStart;
    while (i < end && REG_NAME[bytes[i]] === 1 && bytes[i] !== 0x25) i++;
    if (i === end) return;
    if (bytes[i] === COLON && end - i <= MAX_PORT_DIGITS) {
      let digits = i + 1; // at most four: below the highest port
      while (digits < end && isDigit(bytes[digits])) digits++;
      if (digits === end) return;
    }
    if (!isAuthority(bytes.toString('latin1', this.hostStart, end))) this.fail('RHK_BAD_HOST');
  }

  /** RFC 9112 §3.2: origin-form, absolute-form, asterisk-form; authority-form belongs to CONNECT. */
  private checkTarget(): void {
    const first = this.bytes[this.pathStart];
    if (first === SLASH || this.method === 'CONNECT') return;
    const target = this.bytes.toString('latin1', this.pathStart, this.targetEnd);
    if (first === ASTERISK && target === '*') {
      if (this.method !== 'OPTIONS') this.fail('RHK_BAD_TARGET');
      return;
    }
    const match = ABSOLUTE_FORM.exec(target);
    if (match === null || match[1] === '' || match[1].startsWith(':') || !isAuthority(match[1])) return this.fail('RHK_BAD_TARGET');
    this.targetAuthority = match[1];
    this.pathStart += match[0].length;
  }

  private fail(code: ErrorCode): never {
    this.state = State.SPENT;
    throw new ProtocolError(code);
  }
}

const EMPTY = Buffer.alloc(0);
const HOST = Buffer.from('host');
const EXPECT = Buffer.from('expect');
const UPGRADE = Buffer.from('upgrade');
const CONNECTION = Buffer.from('connection');
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CONTINUE = Buffer.from('100-continue');
const CHUNKED = Buffer.from('chunked');
const CLOSE = Buffer.from('close');
const KEEP_ALIVE = Buffer.from('keep-alive');

const CODING = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const PARAMETER = `[ \\t]*;[ \\t]*${CODING}[ \\t]*=[ \\t]*(?:${CODING}|"[^"\\\\]*")`;
const OTHER_CODINGS_THEN_CHUNKED = new RegExp(`^(?:${CODING}(?:${PARAMETER})*[ \\t]*,[ \\t]*)+chunked$`, 'i');
const CHUNKED_TWICE = /(?:^|[ \t,])chunked[ \t]*,/i;
const IS_UPPER_CASE = /^[^a-z]*$/;

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;
const isBlank = (byte: number): boolean => byte === SP || byte === HTAB;
const isLineEnd = (byte: number): boolean => byte === CR || byte === LF;

/**
 * Offset of the first byte from `i` on that is no part of a field value, or `end`. Most bytes of a head are passed here:
 * four at a time costs half of one at a time (scenario browser-headers).
 */
const skipFieldValue = (bytes: Buffer, i: number, end: number): number => {
  const last = end - 4;
  while (i <= last && isGraphic(bytes[i]) && isGraphic(bytes[i + 1]) && isGraphic(bytes[i + 2]) && isGraphic(bytes[i + 3])) i += 4;
  while (i < end && FIELD_VALUE[bytes[i]] === 1) i++;
  return i;
};

/** SP or VCHAR. Other bytes may be legal as well, and are looked up. */
const isGraphic = (byte: number): boolean => byte >= SP && byte < DEL;

/** Compares bytes with a lower-case word; the bytes are token characters or US-ASCII text of the same length. */
const matches = (bytes: Buffer, start: number, word: Buffer): boolean => {
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i];
    const wanted = word[i];
    if (byte !== wanted && (wanted < LOWER_A || (byte | CASE_BIT) !== wanted)) return false;
  }
  return true;
};

/** The common methods as constants: no string is made for them. */
const methodFrom = (bytes: Buffer, start: number, end: number): string => {
  const length = end - start;
  for (let i = 0; i < METHODS.length; i++) {
    const method = METHODS[i];
    if (method.length === length && isSame(bytes, start, method)) return method;
  }
  return bytes.toString('latin1', start, end);
};

const isSame = (bytes: Buffer, start: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
};

const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'];
