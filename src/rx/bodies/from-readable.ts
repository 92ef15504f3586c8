/** Whatever can be pulled, as an Observable that can be paused. */
import type { Subscriber } from 'rxjs';
import { messageOf, OptionError } from '../../errors.js';
import { type Faucet, type Pausable, PausableSource } from '../demand/pausable.js';
import { pulledFrom, type PullOutlet, type PullSource, type RunningSource, type SourceListener } from './pulled-source.js';

/**
 * An iterable, an async iterable, a Node.js Readable or a web stream as an Observable that can be paused: with `suspend()`, in
 * `inOrder` and as the body of a reply it is pulled as fast as it is taken. Behind operators too, see {@link Pausable}.
 *
 * Owns its source: unsubscribing returns, destroys or cancels it, once. A stream can be subscribed once; give a function for a
 * fresh one for each subscriber. Fails with what the source fails with.
 *
 * @throws {@link OptionError} for what cannot be pulled.
 * @example `websocket(() => fromReadable(() => createReadStream(path)), { overflow: suspend() })`
 */
export function fromReadable<T = Buffer>(source: PullSource<T> | (() => PullSource<T>)): Pausable<T> {
  if (typeof source !== 'function' && !isPullable(source)) {
    throw new OptionError('source', `is ${messageOf(source)}, must be an iterable, a Readable, a web stream or a function that makes one`);
  }
  return new PulledStream(source);
}

const isPullable = (source: unknown): boolean =>
  typeof source === 'object' &&
  source !== null &&
  (Symbol.iterator in source || Symbol.asyncIterator in source || 'getReader' in source || 'pipe' in source);

class PulledStream<T> extends PausableSource<T> {
  private readonly pullable: PullSource<T> | (() => PullSource<T>);

  constructor(pullable: PullSource<T> | (() => PullSource<T>)) {
    super();
    this.pullable = pullable;
  }

  open(subscriber: Subscriber<T>): Faucet {
    return new Pulling(this.pullable, subscriber);
  }
}

/** One source being pulled by its subscriber. */
class Pulling<T> implements Faucet, PullOutlet, SourceListener {
  onDrain: (() => void) | null;
  private readonly pullable: PullSource<T> | (() => PullSource<T>);
  private readonly subscriber: Subscriber<T>;
  private source: RunningSource | null;
  private isFlowing: boolean;
  /** An item is with the subscriber: the source goes on by itself when that returns. */
  private isGiving: boolean;

  constructor(pullable: PullSource<T> | (() => PullSource<T>), subscriber: Subscriber<T>) {
    this.onDrain = null;
    this.pullable = pullable;
    this.subscriber = subscriber;
    this.source = null;
    this.isFlowing = false;
    this.isGiving = false;
  }

  pause(): void {
    this.isFlowing = false;
  }

  resume(): void {
    if (this.isFlowing) return;
    this.isFlowing = true;
    if (this.source === null) this.start();
    else if (!this.isGiving) this.onDrain?.();
  }

  report(): void {} // the source failed while it was let go: nobody is there any more to be told

  onSourceEnd(): void {
    this.subscriber.complete();
  }

  onSourceError(error: unknown): void {
    this.subscriber.error(error);
  }

  private start(): void {
    const { pullable, subscriber } = this;
    let source: RunningSource;
    try {
      source = pulledFrom(
        typeof pullable === 'function' ? pullable() : pullable,
        this,
        give as (outlet: Pulling<T>, item: unknown) => boolean,
        this,
      ); // items are T
    } catch (error) {
      return subscriber.error(error);
    }
    this.source = source;
    subscriber.add(() => source.stop());
    if (!subscriber.closed) source.start();
  }

  give(item: T): boolean {
    this.isGiving = true;
    this.subscriber.next(item);
    this.isGiving = false;
    return this.isFlowing && !this.subscriber.closed;
  }
}

const give = <T>(pulling: Pulling<T>, item: T): boolean => pulling.give(item);
