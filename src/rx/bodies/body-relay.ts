/**
 * Bodies one behind the other, as the pieces of one body: what an HTTP channel answers with.
 *
 * Owns: that a body which is a source is let to its end before the next one begins, and its pace. Leaves: which body comes when to
 * its owner.
 */
import { isObservable, Subscriber } from 'rxjs';
import { HandlerError } from '../../errors.js';
import { FileBody, openFile } from './file-body.js';
import { FrameBody } from './frame-body.js';
import { fromReadable } from './from-readable.js';
import { type Faucet, isPausable, PausableSource, type PausableSubscription } from '../demand/pausable.js';
import { type Body, type BodyPiece, type BodySource, isPiece } from '../response.js';

/** Who gives the bodies. */
export interface RelayOwner {
  /** The next body may come. */
  onRelayReady(): void;
  /** No body may come for now. */
  onRelayBusy(): void;
  /** The reply is over, or its client has gone. */
  onRelayGone(): void;
}

export class BodyRelay extends PausableSource<BodyPiece> implements Faucet {
  private readonly owner: RelayOwner;
  private subscriber: Subscriber<BodyPiece> | null;
  private isFlowing: boolean;
  /** `put` is on the stack: its result tells what comes of it. */
  private isPutting: boolean;
  /** A body that is a source, and has not ended; `null` where it cannot be paused. */
  private inner: PausableSubscription | null;
  private hasSource: boolean;
  private isEnding: boolean;

  constructor(owner: RelayOwner) {
    super();
    this.owner = owner;
    this.subscriber = null;
    this.isFlowing = false;
    this.isPutting = false;
    this.inner = null;
    this.hasSource = false;
    this.isEnding = false;
  }

  open(subscriber: Subscriber<BodyPiece>): Faucet {
    if (this.subscriber !== null) throw new HandlerError('RHK_BAD_REPLY', 'the body of an HTTP channel was subscribed twice');
    this.subscriber = subscriber;
    subscriber.add(() => this.owner.onRelayGone());
    return this;
  }

  pause(): void {
    this.isFlowing = false;
    this.inner?.pause();
    this.onChange();
  }

  resume(): void {
    this.isFlowing = true;
    this.inner?.resume();
    this.onChange();
  }

  /** The next body may come. */
  get isReady(): boolean {
    return this.subscriber !== null && this.isFlowing && !this.hasSource;
  }

  /**
   * Only while it is ready.
   *
   * @returns Whether the next one may come.
   */
  put(body: Body): boolean {
    if (body === null || this.subscriber === null) return this.isReady;
    this.isPutting = true;
    if (isPiece(body)) this.subscriber.next(body);
    else this.run(this.subscriber, body);
    this.isPutting = false;
    return this.isReady;
  }

  /** Ends behind the last body. */
  end(): void {
    this.isEnding = true;
    if (!this.hasSource) this.subscriber?.complete();
  }

  onSourceDone(): void {
    this.hasSource = false;
    this.inner = null;
    if (this.isEnding) this.subscriber?.complete();
    else this.onChange();
  }

  private onChange(): void {
    if (this.isPutting) return;
    if (this.isReady) this.owner.onRelayReady();
    else this.owner.onRelayBusy();
  }

  private run(subscriber: Subscriber<BodyPiece>, body: BodySource | FrameBody): void {
    if (body instanceof FrameBody) {
      return subscriber.error(new HandlerError('RHK_BAD_REPLY', 'a WebSocket must be the first item of a reply'));
    }
    const pieces$ = isObservable(body) ? body : fromReadable<BodyPiece>(body instanceof FileBody ? piecesOf(body) : body);
    const relaying = new Relaying(subscriber, this);
    subscriber.add(relaying);
    this.hasSource = true;
    if (!isPausable(pieces$)) {
      pieces$.subscribe(relaying);
      return;
    }
    const source: PausableSubscription = pieces$.subscribePausable(relaying);
    if (this.hasSource) this.inner = source;
    if (this.isFlowing) source.resume();
  }
}

async function* piecesOf(body: FileBody): AsyncGenerator<BodyPiece> {
  const { stream } = await openFile(body);
  yield* stream as AsyncIterable<Buffer>; // no encoding is set
}

/** One body that is a source. */
class Relaying extends Subscriber<BodyPiece> {
  private readonly target: Subscriber<BodyPiece>;
  private readonly relay: BodyRelay;

  constructor(target: Subscriber<BodyPiece>, relay: BodyRelay) {
    super();
    this.target = target;
    this.relay = relay;
  }

  protected override _next(piece: BodyPiece): void {
    this.target.next(piece);
  }

  protected override _error(error: unknown): void {
    this.target.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.relay.onSourceDone();
  }
}
