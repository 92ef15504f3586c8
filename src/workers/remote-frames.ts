/** A WebSocket as its handler's thread sees it: its frames are made and read on the main thread. */
import { EncodedMessage } from '../protocol/encoded-message.js';
import type { FrameClose, FrameListener, FramePort } from '../transport/contracts.js';
import { bytesFrom, pieceFrom, type PortableBytes, type PortablePiece } from './portable-bytes.js';
import { costOf, CREDIT_STEP, WINDOW_BYTES } from './thread-messages.js';

/** What a WebSocket needs of its exchange. */
export interface RemoteFramesOwner {
  onFrame(message: string | Uint8Array): void;
  onDemand(wants: boolean): void;
  onClose(code: number, reason: string): void;
  onMessagesTaken(octets: number): void;
}

const ABNORMAL = 1006;

export class RemoteFrames implements FramePort {
  /** Octets on their way that the client has not taken, as far as is known here. */
  waiting: number;
  private readonly owner: RemoteFramesOwner;
  private readonly listener: FrameListener;
  private isWanted: boolean;
  private isStarved: boolean;
  private isClosed: boolean;
  /** What came while nobody wanted it: at most a window full. */
  private pending: (string | Buffer)[];
  /** Comes behind what is pending. */
  private peerClose: FrameClose | null;
  private taken: number;

  constructor(owner: RemoteFramesOwner, listener: FrameListener) {
    this.waiting = 0;
    this.owner = owner;
    this.listener = listener;
    this.isWanted = false;
    this.isStarved = false;
    this.isClosed = false;
    this.pending = [];
    this.peerClose = null;
    this.taken = 0;
  }

  demand(wants: boolean): void {
    if (this.isWanted === wants) return;
    this.isWanted = wants;
    if (!this.isClosed) this.owner.onDemand(wants);
    if (wants) this.deliver();
  }

  send(message: string | Uint8Array | EncodedMessage): boolean {
    if (this.isClosed) return true;
    const data = message instanceof EncodedMessage ? message.message : message;
    this.waiting += costOf(data);
    this.owner.onFrame(data);
    if (this.waiting < WINDOW_BYTES) return true;
    this.isStarved = true;
    return false;
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.owner.onClose(code, reason);
    this.settle({ code, reason, by: 'server' });
  }

  // ── what the main thread says ─────────────────────────────────────────────────────────────────────────────────────

  onMessage(message: PortablePiece): void {
    if (this.isClosed) return;
    this.pending.push(pieceFrom(message));
    this.deliver();
  }

  onPing(data: PortableBytes): void {
    if (!this.isClosed) this.listener.onPing(bytesFrom(data));
  }

  onPeerClose(close: FrameClose): void {
    if (this.isClosed) return;
    this.peerClose = close;
    this.deliver();
  }

  onClosed(close: FrameClose): void {
    this.settle(close);
  }

  onCredit(octets: number): void {
    this.waiting -= octets;
    if (!this.isStarved || this.waiting >= WINDOW_BYTES) return;
    this.isStarved = false;
    this.listener.onDrain();
  }

  /** The exchange is over. */
  onGone(): void {
    this.settle({ code: ABNORMAL, reason: '', by: 'client' });
  }

  private deliver(): void {
    while (this.isWanted && !this.isClosed && this.pending.length > 0) {
      const message = this.pending.shift() as string | Buffer; // not empty, see above
      this.tell(costOf(message));
      this.listener.onMessage(message);
    }
    if (this.pending.length > 0 || this.peerClose === null || this.isClosed) return;
    const close = this.peerClose;
    this.peerClose = null;
    this.listener.onPeerClose(close);
  }

  private tell(octets: number): void {
    this.taken += octets;
    if (this.taken < CREDIT_STEP) return;
    this.owner.onMessagesTaken(this.taken);
    this.taken = 0;
  }

  private settle(close: FrameClose): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pending = [];
    this.listener.onClosed(close);
  }
}
