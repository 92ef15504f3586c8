/**
 * The bodies of one reply on their way through a compressor: one stream out of all of them, in their order, with the bounds that
 * they would have without it.
 */
import type { Transform } from 'node:stream';
import { HandlerError, OverloadError } from '../errors.js';
import { type BodyOutlet, sourceFrom } from '../rx/bodies/body-source.js';
import { FrameBody } from '../rx/bodies/frame-body.js';
import type { RunningSource, SourceListener } from '../rx/bodies/pulled-source.js';
import { type Body, isPiece } from '../rx/response.js';

/** What a zlib stream adds to a Transform. */
export interface Encoder extends Transform {
  flush(callback?: () => void): void;
}

/** Bodies that may wait behind one that is a source still running. */
const MAX_WAITING_BODIES = 1_024;

/**
 * Pulls what can be pulled while the compressor takes it; what is pushed waits in the compressor, up to `maxBufferedBytes`, past it
 * the reply is cut. What came is flushed when the compressor is done with it and nothing more has come in this turn: an event leaves
 * at once, a bulk of pieces is compressed together.
 *
 * Lives as long as its encoder: who destroys that, as a reply does whose client has gone, lets go of the source.
 */
export class Encoding implements BodyOutlet, SourceListener {
  onDrain: (() => void) | null;
  private readonly encoder: Encoder;
  private readonly maxBufferedBytes: number;
  private readonly onReport: (error: unknown) => void;
  private source: RunningSource | null;
  private readonly waiting: Body[];
  private hasEnded: boolean;
  /** Pieces that the compressor has not done yet. */
  private pending: number;

  constructor(encoder: Encoder, maxBufferedBytes: number, onReport: (error: unknown) => void) {
    this.onDrain = null;
    this.encoder = encoder;
    this.maxBufferedBytes = maxBufferedBytes;
    this.onReport = onReport;
    this.source = null;
    this.waiting = [];
    this.hasEnded = false;
    this.pending = 0;
    encoder.on('drain', () => this.onDrain?.());
    encoder.on('close', () => this.stop());
    encoder.on('error', () => {}); // whoever reads it is told as well; without a listener it would end the process
  }

  /** Sends a body behind those before. */
  send(body: Body): void {
    if (this.hasEnded || this.encoder.destroyed) return;
    if (this.source !== null) {
      if (this.waiting.push(body) > MAX_WAITING_BODIES) {
        this.fail(new OverloadError('RHK_SLOW_CLIENT', `${MAX_WAITING_BODIES} bodies wait behind one that has not ended`));
      }
      return;
    }
    if (body === null) return;
    if (isPiece(body)) this.write(body);
    else if (body instanceof FrameBody) this.fail(new HandlerError('RHK_BAD_REPLY', 'a WebSocket must be the first item of a reply'));
    else {
      this.source = sourceFrom(body, this, this);
      this.source.start();
    }
  }

  /** Nothing comes behind what was sent. */
  end(): void {
    this.hasEnded = true;
    if (this.source === null) this.encoder.end();
  }

  fail(error: unknown): void {
    this.encoder.destroy(error instanceof Error ? error : new HandlerError('RHK_HANDLER_FAILED', undefined, { cause: error }));
  }

  // ── for the source ────────────────────────────────────────────────────────────────────────────────────────────────

  write(piece: string | Uint8Array): boolean {
    const { encoder } = this;
    if (encoder.destroyed) return false;
    if (piece.length === 0) return true;
    this.pending++;
    const hasRoom = encoder.write(piece, () => this.onWritten());
    if (encoder.writableLength <= this.maxBufferedBytes) return hasRoom;
    const waiting = `${encoder.writableLength} octets wait to be compressed for a slow client, limit ${this.maxBufferedBytes} (maxBufferedBytes)`;
    this.fail(new OverloadError('RHK_SLOW_CLIENT', waiting));
    return false;
  }

  report(error: unknown): void {
    this.onReport(error);
  }

  onSourceEnd(): void {
    this.source = null;
    while (this.source === null && this.waiting.length > 0) this.next();
    if (this.source === null && this.hasEnded) this.encoder.end();
  }

  onSourceError(error: unknown): void {
    this.source = null;
    this.fail(error);
  }

  private next(): void {
    const body = this.waiting.shift() as Body; // not empty, see above
    const { hasEnded } = this;
    this.hasEnded = false; // what waits was sent before the end
    this.send(body);
    this.hasEnded = hasEnded;
  }

  private onWritten(): void {
    this.pending--;
    if (this.pending > 0) return;
    setImmediate(() => {
      if (this.pending === 0 && !this.encoder.destroyed && !this.encoder.writableEnded) this.encoder.flush();
    });
  }

  private stop(): void {
    const { source } = this;
    this.source = null;
    this.waiting.length = 0;
    this.hasEnded = true;
    source?.stop();
  }
}
