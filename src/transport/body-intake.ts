/**
 * One request body on its way in: read from the socket only while somebody wants it, RFC 9112 §6, §7; RFC 9110 §10.1.1.
 *
 * Owns: `maxBody`, the reader, the minimum rate. Leaves: framing to `protocol/body-decoder.ts`, the socket to `connection.ts`.
 */
import { ERRORS, HttpKitError, ProtocolError } from '../errors.js';
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from '../protocol/body-decoder.js';
import type { Fields, RequestHead } from '../protocol/request-head.js';
import type { BodyPort, BodySink, WireLimits } from './contracts.js';

/** What an intake needs of its connection. */
export interface BodyCarrier {
  /** Bytes are wanted from now on; the connection reads, and says 100 Continue where the client waits for it. */
  onBodyWanted(): void;
  /** The intake has got its last byte, or failed: the connection can judge how it goes on. */
  onBodyEnd(): void;
}

/** Octets of unwanted rest that are read and dropped so that the connection can go on; a larger rest closes it. */
export const MAX_SKIPPED_BYTES = 65_536;
/** The CRLF that ends every trailer section. */
const EMPTY_TRAILER_BYTES = 2;
/** A body may be as slow as it likes for so long. */
const RATE_GRACE_SECONDS = 5;

const Mode = { UNREAD: 0, READING: 1, PAUSED: 2, CANCELLED: 3, SKIPPING: 4, FAILED: 5 } as const;

export class BodyIntake implements BodyPort {
  /** Until it was told to go on, or went on by itself. */
  awaitsContinue: boolean;
  isUsed: boolean;
  /** Octets of data that arrived. */
  received: number;
  private readonly carrier: BodyCarrier;
  private readonly decoder: BodyDecoder;
  private readonly maxBody: number;
  private mode: number;
  private sink: BodySink | null;
  private skipped: number;
  private secondsRead: number;
  private failure: ProtocolError | null;

  /** @param awaitsContinue - The client sends nothing of the body before it is told to, RFC 9110 §10.1.1. */
  constructor(carrier: BodyCarrier, decoder: BodyDecoder, maxBody: number, awaitsContinue: boolean) {
    this.awaitsContinue = awaitsContinue;
    this.isUsed = false;
    this.received = 0;
    this.carrier = carrier;
    this.decoder = decoder;
    this.maxBody = maxBody;
    this.mode = Mode.UNREAD;
    this.sink = null;
    this.skipped = 0;
    this.secondsRead = 0;
    this.failure = null;
  }

  /** @param isAhead - Nothing stands behind the head yet: a client that sent its body at once waits for no 100. */
  static of(head: RequestHead, limits: WireLimits, carrier: BodyCarrier, isAhead: boolean): BodyIntake {
    const decoder = head.isChunked
      ? new ChunkedDecoder({
          maxLine: limits.maxLine,
          maxHeaders: limits.maxHeaders - head.fieldCount,
          maxHeadBytes: Math.max(limits.maxHeadBytes - head.byteLength, EMPTY_TRAILER_BYTES),
        })
      : new LengthDecoder(head.contentLength);
    return new BodyIntake(carrier, decoder, limits.maxBody, head.expectsContinue && isAhead);
  }

  /** Ended, well or not: no byte will be taken any more. */
  get isOver(): boolean {
    return this.mode === Mode.FAILED || this.decoder.isDone;
  }

  get hasFailed(): boolean {
    return this.mode === Mode.FAILED;
  }

  get wantsBytes(): boolean {
    return this.mode === Mode.READING || this.mode === Mode.SKIPPING;
  }

  /** Somebody has not finished with it, though a reply may have. */
  get hasReader(): boolean {
    return this.sink !== null;
  }

  /** With a reply that leaves now, the connection cannot go on. */
  get endsConnection(): boolean {
    return this.mode === Mode.FAILED || (!this.isOver && this.sink === null && !this.isSkippable);
  }

  get trailers(): Fields | undefined {
    return this.decoder.trailers;
  }

  read(sink: BodySink): void {
    if (this.isUsed) throw new HttpKitError('RHK_BODY_USED');
    this.isUsed = true;
    if (this.mode === Mode.FAILED) {
      sink.onError(this.failure ?? new ProtocolError('RHK_CLIENT_GONE'));
      return;
    }
    this.sink = sink;
    this.mode = Mode.READING;
    this.carrier.onBodyWanted();
  }

  pause(): void {
    if (this.mode === Mode.READING) this.mode = Mode.PAUSED;
  }

  resume(): void {
    if (this.mode !== Mode.PAUSED) return;
    this.mode = Mode.READING;
    this.carrier.onBodyWanted();
  }

  cancel(): void {
    if (this.sink === null) return;
    this.sink = null;
    if (this.mode === Mode.READING || this.mode === Mode.PAUSED) this.mode = Mode.CANCELLED;
    this.carrier.onBodyEnd();
  }

  /** Nobody reads the rest: drops it if it is small. Returns false where it is too large, or fails to be known. */
  skip(): boolean {
    if (!this.isSkippable) return false;
    this.mode = Mode.SKIPPING;
    return true;
  }

  /**
   * Uses what it wants of the bytes.
   *
   * @returns Offset behind the last byte used; equal to `from` while nobody wants any.
   */
  feed(bytes: Buffer, from: number): number {
    let i = from;
    while (i < bytes.length && this.wantsBytes && !this.decoder.isDone) {
      try {
        i = this.decoder.next(bytes, i);
      } catch (error) {
        this.fail(error as ProtocolError); // decoders throw nothing else
        return i;
      }
      if (this.decoder.announced > this.maxBody) {
        this.fail(new ProtocolError('RHK_BODY_TOO_LARGE', `request body is over ${this.maxBody} octets (maxBody)`));
        return i;
      }
      if (this.decoder.data !== null) this.deliver(this.decoder.data);
    }
    if (this.decoder.isDone && this.mode !== Mode.FAILED) this.finish();
    return i;
  }

  /** Ends a body that will not come any more. */
  fail(error: ProtocolError): void {
    if (this.isOver) return;
    const sink = this.sink;
    this.failure = error;
    this.mode = Mode.FAILED;
    this.sink = null;
    this.carrier.onBodyEnd();
    sink?.onError(error);
  }

  /** One second has passed. Only seconds in which bytes were wanted count: nobody is blamed for our own slowness. */
  onSecond(minBytesPerSecond: number): void {
    if (!this.wantsBytes || this.isOver || minBytesPerSecond === 0) return;
    this.secondsRead++;
    if (this.secondsRead > RATE_GRACE_SECONDS + this.received / minBytesPerSecond) {
      const rate = `${this.received} octets in ${this.secondsRead} s, minimum ${minBytesPerSecond} per second`;
      this.fail(new ProtocolError('RHK_BODY_TIMEOUT', `${ERRORS.RHK_BODY_TIMEOUT.sentence}: ${rate}`));
    }
  }

  private get isSkippable(): boolean {
    const { remaining } = this.decoder;
    return this.mode !== Mode.FAILED && !this.awaitsContinue && (remaining === Infinity || remaining <= MAX_SKIPPED_BYTES);
  }

  private deliver(data: Buffer): void {
    this.received += data.length;
    if (this.sink !== null) {
      this.sink.onData(data);
      return;
    }
    this.skipped += data.length;
    if (this.skipped > MAX_SKIPPED_BYTES) this.fail(new ProtocolError('RHK_BODY_TOO_LARGE'));
  }

  private finish(): void {
    const sink = this.sink;
    this.sink = null;
    this.carrier.onBodyEnd();
    sink?.onEnd();
  }
}
