/**
 * Bodies that come piece by piece, in one shape: sources that can be pulled are pulled while the client has credit,
 * Observables that can be paused are paused without it, others push. A source is let go exactly once, whatever happens.
 */
import type { Readable } from 'node:stream';
import { isObservable, type Observable, Subscriber } from 'rxjs';
import { failureFrom, HandlerError } from '../../errors.js';
import type { ExchangePort } from '../../transport/contracts.js';
import { FileBody, openFile } from './file-body.js';
import { isPausable, type PausableSubscription } from '../demand/pausable.js';
import { pulledFrom, ReadableSource, type RunningSource, type SourceListener } from './pulled-source.js';
import { type BodyPiece, type BodySource, isPiece } from '../response.js';

/** Where the pieces of a body go: an exchange, or what stands in for one. */
export type BodyOutlet = Pick<ExchangePort, 'write' | 'onDrain' | 'report'>;

export const sourceFrom = (body: BodySource, port: BodyOutlet, listener: SourceListener): RunningSource => {
  if (isObservable(body)) return new PushedSource(body, port, listener);
  if (body instanceof FileBody) return new FileSource(body, port, listener, ignore);
  return pulledFrom(body, port, writePiece, listener);
};

const writePiece = (port: BodyOutlet, piece: unknown): boolean => {
  if (isPiece(piece)) return port.write(piece);
  throw new HandlerError('RHK_BAD_REPLY', `a piece of the reply body is a ${typeof piece}, not a string or bytes`);
};

/**
 * Pushes, whatever the client takes, where the Observable cannot be paused. The subscriber itself, so that a source that never
 * leaves its `subscribe` can be stopped too.
 */
class PushedSource extends Subscriber<BodyPiece> implements RunningSource {
  private readonly pieces$: Observable<BodyPiece>;
  private readonly port: BodyOutlet;
  private readonly listener: SourceListener;
  private pausable: PausableSubscription | null;

  constructor(pieces$: Observable<BodyPiece>, port: BodyOutlet, listener: SourceListener) {
    super();
    this.pieces$ = pieces$;
    this.port = port;
    this.listener = listener;
    this.pausable = null;
  }

  start(): void {
    const { pieces$ } = this;
    if (!isPausable(pieces$)) {
      this.add(pieces$.subscribe(this));
      return;
    }
    const pausable: PausableSubscription = pieces$.subscribePausable(this);
    if (this.isStopped) return; // failed, and was let go
    this.pausable = pausable;
    this.port.onDrain = () => pausable.resume();
    pausable.resume();
  }

  /** What is thrown behind the end, by a finalizer of a source that completes at once, is an event and no more. */
  override error(error: unknown): void {
    if (this.isStopped) this.port.report(failureFrom(error));
    else super.error(error);
  }

  stop(): void {
    if (this.pausable !== null) this.port.onDrain = null;
    try {
      this.unsubscribe();
    } catch (error) {
      this.port.report(failureFrom(error)); // a finalizer of the application threw
    }
  }

  protected override _next(piece: BodyPiece): void {
    try {
      if (!writePiece(this.port, piece)) this.pausable?.pause();
    } catch (error) {
      this._error(error);
    }
  }

  protected override _error(error: unknown): void {
    this.stop();
    this.listener.onSourceError(error);
  }

  protected override _complete(): void {
    this.stop();
    this.listener.onSourceEnd();
  }
}

/** A file: its descriptor is opened when the reply needs it, and closed whatever happens. */
export class FileSource implements RunningSource {
  private readonly body: FileBody;
  private readonly port: BodyOutlet;
  private readonly listener: SourceListener;
  private readonly onOpen: (octets: number) => void;
  private source: ReadableSource<BodyOutlet> | undefined;
  private isOver: boolean;

  /** @param onOpen - Told the size before the first piece is written; what it throws is the source's error. */
  constructor(body: FileBody, port: BodyOutlet, listener: SourceListener, onOpen: (octets: number) => void) {
    this.body = body;
    this.port = port;
    this.listener = listener;
    this.onOpen = onOpen;
    this.source = undefined;
    this.isOver = false;
  }

  start(): void {
    openFile(this.body).then(
      ({ size, stream }) => this.read(size, stream),
      (error: unknown) => this.fail(error),
    );
  }

  stop(): void {
    this.isOver = true;
    this.source?.stop();
  }

  private read(size: number, stream: Readable): void {
    if (this.isOver) {
      stream.destroy();
      return;
    }
    try {
      this.onOpen(size);
    } catch (error) {
      stream.destroy();
      return this.fail(error);
    }
    this.source = new ReadableSource(stream, this.port, writePiece, this.listener);
    this.source.start();
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.onSourceError(error);
  }
}

const ignore = (): void => {};
