/** The body of a reply that a worker streams: its pieces wait here while the client takes none, and the worker is told. */
import type { Subscriber } from 'rxjs';
import { HandlerError } from '../errors.js';
import { type Faucet, PausableSource } from '../rx/demand/pausable.js';
import type { BodyPiece } from '../rx/response.js';
import { pieceFrom, type PortablePiece } from './portable-bytes.js';

/** Who sends the pieces. */
export interface ReplyStreamOwner {
  /** A piece has been taken. */
  onTaken(piece: BodyPiece): void;
  /** Nobody wants the rest. */
  onLeft(): void;
}

export class ReplyStream extends PausableSource<BodyPiece> implements Faucet {
  private readonly owner: ReplyStreamOwner;
  private subscriber: Subscriber<BodyPiece> | null;
  /** Bounded by the worker's window, and by `maxBufferedBytes` where it cannot wait. */
  private waiting: PortablePiece[];
  private isFlowing: boolean;
  private isPassing: boolean;
  private hasEnded: boolean;
  private failure: { readonly error: unknown } | null;

  constructor(owner: ReplyStreamOwner) {
    super();
    this.owner = owner;
    this.subscriber = null;
    this.waiting = [];
    this.isFlowing = false;
    this.isPassing = false;
    this.hasEnded = false;
    this.failure = null;
  }

  open(subscriber: Subscriber<BodyPiece>): Faucet {
    if (this.subscriber !== null) {
      subscriber.error(new HandlerError('RHK_BAD_REPLY', 'the body of a reply of a worker can be read once'));
      return AT_REST;
    }
    this.subscriber = subscriber;
    subscriber.add(() => this.leave());
    return this;
  }

  pause(): void {
    this.isFlowing = false;
  }

  resume(): void {
    this.isFlowing = true;
    this.pass();
  }

  push(piece: PortablePiece): void {
    this.waiting.push(piece);
    this.pass();
  }

  end(): void {
    this.hasEnded = true;
    this.pass();
  }

  /** What waits before it is lost: the reply will be cut. */
  fail(error: unknown): void {
    if (this.hasEnded) return;
    this.failure = { error };
    this.waiting = [];
    this.pass();
  }

  private pass(): void {
    if (this.isPassing || this.subscriber === null) return; // what resumes within is seen by the loop
    this.isPassing = true;
    const { subscriber } = this;
    while (this.isFlowing && this.waiting.length > 0 && !subscriber.closed) {
      const piece = pieceFrom(this.waiting.shift() as PortablePiece); // not empty, see above
      subscriber.next(piece);
      this.owner.onTaken(piece);
    }
    this.isPassing = false;
    if (this.failure !== null) subscriber.error(this.failure.error);
    else if (this.hasEnded && this.waiting.length === 0) subscriber.complete();
  }

  private leave(): void {
    this.isFlowing = false;
    this.waiting = [];
    this.owner.onLeft();
  }
}

const AT_REST: Faucet = { pause: () => {}, resume: () => {} };
