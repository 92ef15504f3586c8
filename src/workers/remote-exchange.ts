/**
 * One exchange as its handler's thread sees it: what the handler does becomes messages, what the client does comes as messages.
 *
 * Owns: credit and its limits, that a reply which is ready within a turn crosses as one message. Leaves: framing, sockets and
 * failures to the main thread: there a failure is answered, and "no response" is for the next handler.
 */
import { HandlerError, OverloadError } from '../errors.js';
import type { RequestHead } from '../protocol/request-head.js';
import { type ResponseHeaders, statusLine } from '../protocol/response-head.js';
import type { ExchangePort, FrameListener, FramePort, Peer, Settlement, UpgradeOptions } from '../transport/contracts.js';
import type { PortablePiece } from './portable-bytes.js';
import { portableError } from './portable-error.js';
import { type PortableHeaders, portableHeaders } from './portable-headers.js';
import { RemoteBody, type RemoteBodyOwner } from './remote-body.js';
import { RemoteFrames, type RemoteFramesOwner } from './remote-frames.js';
import { costOf, type ExchangeMessage, FromWorker, ToWorker, type ToWorkerMessage, WINDOW_BYTES } from './thread-messages.js';

/** What an exchange needs of its thread. */
export interface RemoteHost {
  readonly maxBufferedBytes: number;
  add(message: ExchangeMessage): void;
  piece(piece: string | Uint8Array): PortablePiece;
  /** Calls `onTurnEnd` when the turn is over. */
  touch(exchange: RemoteExchange): void;
  /** The request body has no reader any more. */
  onBodyOver(exchange: RemoteExchange): void;
}

/** Pieces in one turn after which a source that can wait is asked to: an endless run of empty pieces must not hold the turn. */
const MAX_PIECES_PER_TURN = 4_096;

export class RemoteExchange implements ExchangePort, RemoteBodyOwner, RemoteFramesOwner {
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly body: RemoteBody | null;
  /** Always: a failure is not to be answered here, but told to the main thread by `cut`. */
  readonly isHeadSent: boolean;
  hasChannel: boolean;
  isSettled: boolean;
  onDrain: (() => void) | null;
  onSettled: ((how: Settlement) => void) | null;
  endsByItself: boolean;
  /** Told to who asks for it. */
  readonly drainingMs: null;
  private readonly host: RemoteHost;
  private frames: RemoteFrames | null;
  /** Begun in this turn, and not told yet. */
  private held: { readonly status: number; readonly headers: PortableHeaders | undefined; piece: string | Uint8Array | null } | null;
  private inFlight: number;
  private pieces: number;
  private isStarved: boolean;
  private isTouched: boolean;
  private endsBySelf: boolean;
  private drainListener: ((withinMs: number) => void) | null;

  constructor(id: number, head: RequestHead, peer: Peer, hasBody: boolean, host: RemoteHost) {
    this.id = id;
    this.head = head;
    this.peer = peer;
    this.body = hasBody ? new RemoteBody(this) : null;
    this.isHeadSent = true;
    this.hasChannel = false;
    this.isSettled = false;
    this.onDrain = null;
    this.onSettled = null;
    this.endsByItself = false;
    this.drainingMs = null;
    this.host = host;
    this.frames = null;
    this.held = null;
    this.inFlight = 0;
    this.pieces = 0;
    this.isStarved = false;
    this.isTouched = false;
    this.endsBySelf = false;
    this.drainListener = null;
  }

  // ── what the handler does ─────────────────────────────────────────────────────────────────────────────────────────

  begin(status: number, headers: ResponseHeaders | undefined): void {
    if (this.isSettled) return;
    statusLine(status); // refuses what is none
    this.held = { status, headers: portableHeaders(headers), piece: null };
    this.touch();
  }

  write(piece: string | Uint8Array): boolean {
    if (this.isSettled) return true;
    this.pieces++;
    if (piece.length > 0) {
      if (this.inFlight > this.host.maxBufferedBytes + WINDOW_BYTES) {
        const waiting = `${this.inFlight} octets wait for a slow client, limit ${this.host.maxBufferedBytes} (maxBufferedBytes)`;
        this.cut(new OverloadError('RHK_SLOW_CLIENT', waiting));
        return false;
      }
      this.inFlight += costOf(piece);
      if (this.held !== null && this.held.piece === null) {
        this.held.piece = piece;
      } else {
        this.commit();
        this.host.add([FromWorker.PIECE, this.id, this.host.piece(piece)]);
      }
    }
    if (this.inFlight <= WINDOW_BYTES && this.pieces < MAX_PIECES_PER_TURN) return true;
    this.isStarved = true;
    this.touch();
    return false;
  }

  end(): void {
    if (this.isSettled) return;
    const { held, host } = this;
    this.held = null;
    this.settle();
    if (held === null) host.add([FromWorker.END, this.id]);
    else host.add([FromWorker.REPLY, this.id, held.status, held.headers, held.piece === null ? null : host.piece(held.piece)]);
  }

  upgrade(options: UpgradeOptions, listener: FrameListener): FramePort {
    const { headers, ...others } = options;
    const portable = portableHeaders(headers);
    this.frames = new RemoteFrames(this, listener);
    this.host.add([FromWorker.UPGRADE, this.id, others, portable]);
    return this.frames;
  }

  cut(error: unknown): void {
    if (this.isSettled) return;
    const { onSettled } = this;
    this.held = null;
    this.settle();
    const isOrdinary = error === undefined || (error instanceof HandlerError && error.code === 'RHK_NO_RESPONSE');
    this.host.add([FromWorker.CUT, this.id, isOrdinary ? null : portableError(error)]);
    onSettled?.('gone');
  }

  report(error: unknown): void {
    this.host.add([FromWorker.REPORT, this.id, portableError(error)]);
  }

  get endsWithInput(): boolean {
    return this.endsBySelf;
  }

  set endsWithInput(ends: boolean) {
    if (this.endsBySelf === ends) return;
    this.endsBySelf = ends;
    if (!this.isSettled) this.host.add([FromWorker.ENDS_WITH_INPUT, this.id, ends]);
  }

  get onDraining(): ((withinMs: number) => void) | null {
    return this.drainListener;
  }

  set onDraining(listener: ((withinMs: number) => void) | null) {
    const wanted = this.drainListener !== null;
    this.drainListener = listener;
    if (!this.isSettled && wanted !== (listener !== null)) this.host.add([FromWorker.WANTS_DRAINING, this.id, listener !== null]);
  }

  onBodyWanted(): void {
    this.host.add([FromWorker.READ_BODY, this.id]);
  }

  onBodyCancelled(): void {
    this.host.add([FromWorker.CANCEL_BODY, this.id]);
  }

  onBodyTaken(octets: number): void {
    this.host.add([FromWorker.CREDIT, this.id, octets]);
  }

  onBodyOver(): void {
    this.host.onBodyOver(this);
  }

  onFrame(message: string | Uint8Array): void {
    this.host.add([FromWorker.FRAME, this.id, this.host.piece(message)]);
  }

  onDemand(wants: boolean): void {
    this.host.add([FromWorker.DEMAND, this.id, wants]);
  }

  onClose(code: number, reason: string): void {
    this.host.add([FromWorker.CLOSE, this.id, code, reason]);
  }

  onMessagesTaken(octets: number): void {
    this.host.add([FromWorker.CREDIT, this.id, octets]);
  }

  // ── what the main thread says ─────────────────────────────────────────────────────────────────────────────────────

  take(message: ToWorkerMessage): void {
    switch (message[0]) {
      case ToWorker.SETTLE:
        return this.leave(message[2]);
      case ToWorker.CREDIT:
        return this.onCredit(message[2]);
      case ToWorker.BODY:
        return this.body?.onData(message[2]);
      case ToWorker.BODY_END:
        return this.body?.onEnd(message[2]);
      case ToWorker.BODY_ERROR:
        return this.body?.onError(message[2]);
      case ToWorker.MESSAGE:
        return this.frames?.onMessage(message[2]);
      case ToWorker.PING:
        return this.frames?.onPing(message[2]);
      case ToWorker.PEER_CLOSE:
        return this.frames?.onPeerClose(message[2]);
      case ToWorker.CLOSED:
        return this.frames?.onClosed(message[2]);
      case ToWorker.DRAINING: {
        const listener = this.drainListener;
        this.drainListener = null;
        return listener?.(message[2]);
      }
    }
  }

  private onCredit(octets: number): void {
    if (this.frames !== null) return this.frames.onCredit(octets);
    this.inFlight -= octets;
    if (this.isStarved) this.touch();
  }

  /** Nothing can be answered any more. */
  leave(how: Settlement): void {
    const { frames, onSettled } = this;
    this.held = null;
    if (!this.isSettled) {
      this.settle();
      frames?.onGone();
      onSettled?.(how);
    }
    if (how === 'gone') this.body?.fail();
  }

  // ── the turn ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onTurnEnd(): void {
    this.isTouched = false;
    this.pieces = 0;
    this.commit();
    if (!this.isStarved || this.inFlight > WINDOW_BYTES) return;
    this.isStarved = false;
    this.onDrain?.();
  }

  private touch(): void {
    if (this.isTouched) return;
    this.isTouched = true;
    this.host.touch(this);
  }

  /** The reply is a stream: its head crosses. */
  private commit(): void {
    const { held, host } = this;
    if (held === null) return;
    this.held = null;
    host.add([FromWorker.BEGIN, this.id, held.status, held.headers]);
    if (held.piece !== null) host.add([FromWorker.PIECE, this.id, host.piece(held.piece)]);
  }

  private settle(): void {
    this.isSettled = true;
    this.onDrain = null;
    this.onSettled = null;
    this.drainListener = null;
  }
}
