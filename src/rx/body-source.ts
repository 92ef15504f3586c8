/**
 * Bodies that come piece by piece, in one shape: sources that can be pulled are pulled while the client has credit,
 * Observables push. Whatever happens, a source is let go exactly once: returned, destroyed, cancelled or unsubscribed.
 */
import { finished, type Readable } from 'node:stream';
import { isObservable, type Observable, Subscriber } from 'rxjs';
import { HandlerError } from '../errors.js';
import type { ExchangePort } from '../transport/contracts.js';
import { FileBody, openFile } from './file-body.js';
import { BodyStream } from './request.js';
import { type BodyPiece, type BodySource, isAsyncIterable, isPiece, isReadable, isReadableStream } from './response.js';

/** Who waits for a source to be over. Exactly one of the two is called, unless the source was stopped. */
export interface SourceListener {
  onSourceEnd(): void;
  onSourceError(error: unknown): void;
}

/** A source in work. */
export interface RunningSource {
  start(): void;
  /** Lets the source go. Nothing is written and nobody is called afterwards. */
  stop(): void;
}

export const sourceFrom = (body: BodySource, port: ExchangePort, listener: SourceListener): RunningSource => {
  if (isObservable(body)) return new PushedSource(body, port, listener);
  if (body instanceof FileBody) return new FileSource(body, port, listener, ignore);
  if (isReadable(body)) return new ReadableSource(body, port, listener);
  if (isReadableStream(body)) return new AsyncSource(() => iteratorFrom(body.getReader()), port, listener);
  if (isAsyncIterable(body)) return new AsyncSource(() => body[Symbol.asyncIterator](), port, listener);
  return new IterableSource(body, port, listener);
};

const writePiece = (port: ExchangePort, piece: unknown): boolean => {
  if (isPiece(piece)) return port.write(piece);
  throw new HandlerError('RHK_BAD_REPLY', `a piece of the reply body is a ${typeof piece}, not a string or bytes`);
};

/** Pushes, whatever the client takes; but a request's own body can wait, and is asked to. The subscriber itself, so that a source that never leaves its `subscribe` can be stopped too. */
class PushedSource extends Subscriber<BodyPiece> implements RunningSource {
  private readonly pieces$: Observable<BodyPiece>;
  private readonly port: ExchangePort;
  private readonly listener: SourceListener;
  private readonly pausable: BodyStream | null;

  constructor(pieces$: Observable<BodyPiece>, port: ExchangePort, listener: SourceListener) {
    super();
    this.pieces$ = pieces$;
    this.port = port;
    this.listener = listener;
    this.pausable = pieces$ instanceof BodyStream ? pieces$ : null;
  }

  start(): void {
    const { pausable } = this;
    if (pausable !== null) this.port.onDrain = () => pausable.resume();
    this.add(this.pieces$.subscribe(this));
  }

  /** What is thrown behind the end, by a finalizer of a source that completes at once, is an event and no more. */
  override error(error: unknown): void {
    if (this.isStopped) this.port.report(error);
    else super.error(error);
  }

  stop(): void {
    if (this.pausable !== null) this.port.onDrain = null;
    try {
      this.unsubscribe();
    } catch (error) {
      this.port.report(error); // a finalizer of the application threw
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

class IterableSource implements RunningSource {
  private readonly iterable: Iterable<BodyPiece>;
  private readonly port: ExchangePort;
  private readonly listener: SourceListener;
  private iterator: Iterator<BodyPiece> | undefined;
  /** The application's `next` is on the stack: a generator that runs cannot be returned. */
  private isPulling: boolean;
  private isOver: boolean;

  constructor(iterable: Iterable<BodyPiece>, port: ExchangePort, listener: SourceListener) {
    this.iterable = iterable;
    this.port = port;
    this.listener = listener;
    this.iterator = undefined;
    this.isPulling = false;
    this.isOver = false;
  }

  start(): void {
    try {
      this.iterator = this.iterable[Symbol.iterator]();
    } catch (error) {
      return this.fail(error);
    }
    this.port.onDrain = () => this.pull();
    this.pull();
  }

  stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.port.onDrain = null;
    if (!this.isPulling) this.letGo();
  }

  private pull(): void {
    const iterator = this.iterator as Iterator<BodyPiece>; // set by start
    while (!this.isOver) {
      let isDone: boolean;
      let piece: unknown;
      this.isPulling = true;
      try {
        const result = iterator.next();
        isDone = result.done === true;
        piece = result.value;
      } catch (error) {
        return this.fail(error);
      } finally {
        this.isPulling = false;
      }
      if (this.isOver) return this.letGo();
      if (isDone) return this.end();
      try {
        if (!writePiece(this.port, piece)) return;
      } catch (error) {
        this.stop();
        return this.listener.onSourceError(error);
      }
    }
  }

  private end(): void {
    this.isOver = true;
    this.port.onDrain = null;
    this.listener.onSourceEnd();
  }

  /** The iterator itself has failed: there is nothing left to let go. */
  private fail(error: unknown): void {
    if (this.isOver) return this.port.report(error);
    this.isOver = true;
    this.port.onDrain = null;
    this.listener.onSourceError(error);
  }

  private letGo(): void {
    try {
      this.iterator?.return?.();
    } catch (error) {
      this.port.report(error);
    }
  }
}

class AsyncSource implements RunningSource {
  private readonly open: () => AsyncIterator<BodyPiece>;
  private readonly port: ExchangePort;
  private readonly listener: SourceListener;
  private iterator: AsyncIterator<BodyPiece> | undefined;
  /** A piece is on its way: credit that comes back meanwhile must not ask for another. */
  private isPulling: boolean;
  private isOver: boolean;

  constructor(open: () => AsyncIterator<BodyPiece>, port: ExchangePort, listener: SourceListener) {
    this.open = open;
    this.port = port;
    this.listener = listener;
    this.iterator = undefined;
    this.isPulling = false;
    this.isOver = false;
  }

  start(): void {
    this.port.onDrain = () => this.pull();
    try {
      this.iterator = this.open();
    } catch (error) {
      return this.fail(error);
    }
    this.pull();
  }

  stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.port.onDrain = null;
    try {
      this.iterator?.return?.()?.then(undefined, (error: unknown) => this.port.report(error));
    } catch (error) {
      this.port.report(error);
    }
  }

  private pull(): void {
    if (this.isPulling) return;
    this.isPulling = true;
    const iterator = this.iterator as AsyncIterator<BodyPiece>; // set by start
    let next: Promise<IteratorResult<BodyPiece>>;
    try {
      next = iterator.next();
    } catch (error) {
      return this.fail(error);
    }
    Promise.resolve(next).then(
      (result) => this.onResult(result),
      (error: unknown) => this.fail(error),
    );
  }

  private onResult(result: IteratorResult<BodyPiece>): void {
    this.isPulling = false;
    if (this.isOver) return;
    try {
      if (result.done !== true) {
        if (writePiece(this.port, result.value) && !this.isOver) this.pull();
        return;
      }
    } catch (error) {
      this.stop();
      return this.listener.onSourceError(error);
    }
    this.isOver = true;
    this.port.onDrain = null;
    this.listener.onSourceEnd();
  }

  /** The source itself has failed: there is nothing left to let go. */
  private fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.port.onDrain = null;
    this.listener.onSourceError(error);
  }
}

/** Web streams of all makes have readers; only some can be iterated. */
const iteratorFrom = (reader: { read(): Promise<unknown>; cancel(): Promise<void> }): AsyncIterator<BodyPiece> => ({
  next: () => reader.read() as Promise<IteratorResult<BodyPiece>>, // what a reader gives has the shape of an iterator result
  return: async () => {
    await reader.cancel();
    return { done: true, value: undefined };
  },
});

class ReadableSource implements RunningSource {
  private readonly readable: Readable;
  private readonly port: ExchangePort;
  private readonly listener: SourceListener;
  private isOver: boolean;
  private unwatch: (() => void) | undefined;
  private readonly onData: (piece: unknown) => void;

  constructor(readable: Readable, port: ExchangePort, listener: SourceListener) {
    this.readable = readable;
    this.port = port;
    this.listener = listener;
    this.isOver = false;
    this.unwatch = undefined;
    this.onData = (piece) => this.take(piece);
  }

  start(): void {
    const { readable } = this;
    this.port.onDrain = () => readable.resume();
    readable.on('error', ignore); // `finished` tells of it; one that comes after `stop` has no other listener
    this.unwatch = finished(readable, { writable: false }, (error) => this.finish(error ?? undefined));
    readable.on('data', this.onData);
  }

  stop(): void {
    if (this.isOver) return;
    this.release();
    this.readable.destroy?.();
  }

  private take(piece: unknown): void {
    if (this.isOver) return;
    try {
      if (!writePiece(this.port, piece)) this.readable.pause();
    } catch (error) {
      this.stop();
      this.listener.onSourceError(error);
    }
  }

  private finish(error: Error | undefined): void {
    if (this.isOver) return;
    this.release();
    if (error === undefined) this.listener.onSourceEnd();
    else this.listener.onSourceError(error);
  }

  private release(): void {
    this.isOver = true;
    this.port.onDrain = null;
    this.unwatch?.();
    this.readable.off('data', this.onData);
  }
}

/** A file: its descriptor is opened when the reply needs it, and closed whatever happens. */
export class FileSource implements RunningSource {
  private readonly body: FileBody;
  private readonly port: ExchangePort;
  private readonly listener: SourceListener;
  private readonly onOpen: (octets: number) => void;
  private source: ReadableSource | undefined;
  private isOver: boolean;

  /** @param onOpen - Told the size before the first piece is written; what it throws is the source's error. */
  constructor(body: FileBody, port: ExchangePort, listener: SourceListener, onOpen: (octets: number) => void) {
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
    this.source = new ReadableSource(stream, this.port, this.listener);
    this.source.start();
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.onSourceError(error);
  }
}

const ignore = (): void => {};
