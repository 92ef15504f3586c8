/** A WebSocket whose handler is in a worker: frames in order both ways, and no more on their way than the window holds. */
import { OverloadError } from '../errors.js';
import { FrameBody } from '../rx/bodies/frame-body.js';
import type { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { FrameClose, FrameListener, FramePort, UpgradeOptions } from '../transport/contracts.js';
import { pieceFrom, type PortablePiece } from './portable-bytes.js';
import type { ThreadLine } from './thread-line.js';
import { costOf, CREDIT_STEP, ToWorker, WINDOW_BYTES } from './thread-messages.js';

const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

export class ForwardedFrames implements FrameListener {
  /** What the exchange is to be answered with. */
  readonly body: FrameBody;
  private readonly id: number;
  private readonly line: ThreadLine;
  private readonly report: (error: unknown) => void;
  private frames: FramePort | null;
  private room: WaitingRoom | null;
  private isWanted: boolean;
  private isClosed: boolean;
  /** The client takes nothing: what it was sent is not credited yet. */
  private isHeldBack: boolean;
  /** What the worker says before the 101 is on its way. */
  private early: (() => void)[];
  private inFlight: number;
  private owed: number;

  constructor(id: number, line: ThreadLine, options: Omit<UpgradeOptions, 'headers'>, report: (error: unknown) => void) {
    this.body = new FrameBody(options, this, (frames, room) => this.open(frames, room));
    this.id = id;
    this.line = line;
    this.report = report;
    this.frames = null;
    this.room = null;
    this.isWanted = false;
    this.isClosed = false;
    this.isHeldBack = false;
    this.early = [];
    this.inFlight = 0;
    this.owed = 0;
  }

  private open(frames: FramePort, room: WaitingRoom): void {
    this.frames = frames;
    this.room = room;
    const { early } = this;
    this.early = [];
    for (const act of early) act();
  }

  // ── what the worker says ──────────────────────────────────────────────────────────────────────────────────────────

  send(piece: PortablePiece): void {
    if (this.frames === null) return void this.early.push(() => this.send(piece));
    if (this.isClosed) return;
    const message = pieceFrom(piece);
    this.owed += costOf(message);
    if (!this.frames.send(message)) this.isHeldBack = true;
    else if (!this.isHeldBack) this.credit();
  }

  demand(wants: boolean): void {
    if (this.frames === null) return void this.early.push(() => this.demand(wants));
    this.isWanted = wants;
    if (!this.isClosed) this.frames.demand(wants && this.inFlight < WINDOW_BYTES);
  }

  close(code: number, reason: string): void {
    if (this.frames === null) return void this.early.push(() => this.close(code, reason));
    this.frames.close(code, reason);
  }

  /** The worker has used so much of what the client said. */
  onCredit(octets: number): void {
    const wasFull = this.inFlight >= WINDOW_BYTES;
    this.inFlight -= octets;
    if (wasFull && this.inFlight < WINDOW_BYTES && this.isWanted && !this.isClosed) this.frames?.demand(true);
  }

  /** The worker has died. */
  fail(): void {
    this.close(INTERNAL_ERROR, '');
  }

  // ── what the client says ──────────────────────────────────────────────────────────────────────────────────────────

  onMessage(message: string | Buffer): void {
    const { room } = this;
    if (room !== null && room.isFull) {
      this.report(
        new OverloadError('RHK_ADMISSION_FULL', `a message found ${room.size} requests waiting, limit ${room.limit} (queueSize)`),
      );
      this.frames?.close(TRY_AGAIN_LATER, '');
      return;
    }
    this.inFlight += costOf(message);
    this.line.add([ToWorker.MESSAGE, this.id, this.line.piece(message)]);
    if (this.inFlight >= WINDOW_BYTES) this.frames?.demand(false);
  }

  onPing(data: Buffer): void {
    this.line.add([ToWorker.PING, this.id, this.line.bytes(data, false)]);
  }

  onPeerClose(close: FrameClose): void {
    this.line.add([ToWorker.PEER_CLOSE, this.id, close]);
  }

  onClosed(close: FrameClose): void {
    this.isClosed = true;
    this.line.add([ToWorker.CLOSED, this.id, close]);
  }

  onDrain(): void {
    this.isHeldBack = false;
    this.credit();
  }

  private credit(): void {
    if (this.owed < CREDIT_STEP) return;
    this.line.add([ToWorker.CREDIT, this.id, this.owed]);
    this.owed = 0;
  }
}
