/**
 * Sources that are pulled, one machine for each kind: asked for the next item while there is credit, and let go exactly once,
 * whatever happens: returned, destroyed or cancelled.
 */
import { finished, type Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { isAsyncIterable, isReadable, isReadableStream } from '../response.js';

/** What can be pulled. */
export type PullSource<T> = Iterable<T> | AsyncIterable<T> | Readable | ReadableStream<T>;

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

/** Where a source's items go to. */
export interface PullOutlet {
  /** Set by the source: called when there is credit again. */
  onDrain: (() => void) | null;
  /** Told what a source throws while it is let go. */
  report(error: unknown): void;
}

/** Takes an item. Returns false when the next one should wait for `onDrain`; what it throws ends the source. */
export type PullWrite<O extends PullOutlet> = (outlet: O, item: unknown) => boolean;

export const pulledFrom = <O extends PullOutlet>(
  source: PullSource<unknown>,
  outlet: O,
  write: PullWrite<O>,
  listener: SourceListener,
): RunningSource => {
  if (isReadable(source)) return new ReadableSource(source, outlet, write, listener);
  if (isReadableStream(source)) return new AsyncSource(() => iteratorFrom(source.getReader()), outlet, write, listener);
  if (isAsyncIterable(source)) return new AsyncSource(() => source[Symbol.asyncIterator](), outlet, write, listener);
  return new IterableSource(source as Iterable<unknown>, outlet, write, listener); // nothing else is left
};

class IterableSource<O extends PullOutlet> implements RunningSource {
  private readonly iterable: Iterable<unknown>;
  private readonly port: O;
  private readonly write: PullWrite<O>;
  private readonly listener: SourceListener;
  private iterator: Iterator<unknown> | undefined;
  /** The application's `next` is on the stack: a generator that runs cannot be returned. */
  private isPulling: boolean;
  private isOver: boolean;

  constructor(iterable: Iterable<unknown>, port: O, write: PullWrite<O>, listener: SourceListener) {
    this.iterable = iterable;
    this.port = port;
    this.write = write;
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
    if (this.isPulling) return; // by the application's own `next`, behind which there is credit still
    const iterator = this.iterator as Iterator<unknown>; // set by start
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
        if (!this.write(this.port, piece)) return;
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

class AsyncSource<O extends PullOutlet> implements RunningSource {
  private readonly open: () => AsyncIterator<unknown>;
  private readonly port: O;
  private readonly write: PullWrite<O>;
  private readonly listener: SourceListener;
  private iterator: AsyncIterator<unknown> | undefined;
  /** A piece is on its way: credit that comes back meanwhile must not ask for another. */
  private isPulling: boolean;
  private isOver: boolean;

  constructor(open: () => AsyncIterator<unknown>, port: O, write: PullWrite<O>, listener: SourceListener) {
    this.open = open;
    this.port = port;
    this.write = write;
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
      Promise.resolve(this.iterator?.return?.()).catch((error: unknown) => this.port.report(error)); // not all give a promise
    } catch (error) {
      this.port.report(error);
    }
  }

  private pull(): void {
    if (this.isPulling) return;
    this.isPulling = true;
    const iterator = this.iterator as AsyncIterator<unknown>; // set by start
    let next: Promise<IteratorResult<unknown>>;
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

  private onResult(result: IteratorResult<unknown>): void {
    this.isPulling = false;
    if (this.isOver) return;
    try {
      if (result.done !== true) {
        if (this.write(this.port, result.value) && !this.isOver) this.pull();
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
const iteratorFrom = (reader: { read(): Promise<unknown>; cancel(): Promise<void> }): AsyncIterator<unknown> => ({
  next: () => reader.read() as Promise<IteratorResult<unknown>>, // what a reader gives has the shape of an iterator result
  return: async () => {
    await reader.cancel();
    return { done: true, value: undefined };
  },
});

export class ReadableSource<O extends PullOutlet> implements RunningSource {
  private readonly readable: Readable;
  private readonly port: O;
  private readonly write: PullWrite<O>;
  private readonly listener: SourceListener;
  private isOver: boolean;
  private unwatch: (() => void) | undefined;
  private readonly onData: (piece: unknown) => void;

  constructor(readable: Readable, port: O, write: PullWrite<O>, listener: SourceListener) {
    this.readable = readable;
    this.port = port;
    this.write = write;
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
    readable.resume(); // one that somebody has paused would wait for ever
  }

  stop(): void {
    if (this.isOver) return;
    this.release();
    this.readable.destroy?.();
  }

  private take(piece: unknown): void {
    if (this.isOver) return;
    try {
      if (!this.write(this.port, piece)) this.readable.pause();
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

const ignore = (): void => {};
