/** `concatMap` with demand. */
import {
  from,
  type Observable,
  type ObservableInput,
  type ObservedValueOf,
  type OperatorFunction,
  Subscriber,
  type TeardownLogic,
} from 'rxjs';
import { HandlerError, OptionError } from '../../errors.js';
import { integerOption, knownOptions } from '../number-option.js';
import { isPausable, type Pausable, type PausableSubscription } from './pausable.js';
import { Ring } from '../queues/ring.js';

export interface InOrderOptions {
  /** Items that may wait though the source was paused: an operator before may make many of one. Past it: `RHK_CANNOT_SUSPEND`. Default 20 480. */
  readonly queueSize?: number | undefined;
}

/**
 * Does one thing after the other, and takes the next item when the last is done: `concatMap`, but the source waits. On the
 * messages of a WebSocket or on a request's `body$` the socket is not read meanwhile, so that memory stays flat whatever the
 * client sends.
 *
 * Items, errors and unsubscription are as with `concatMap`. One item may arrive while the source is being paused: it waits, as do
 * all those that an operator before makes of one.
 *
 * @param project - What is to be done; when it completes within the call the source is not even paused.
 * @throws {@link OptionError} for a wrong option. Fails with {@link HandlerError} `RHK_CANNOT_SUSPEND` (500; 1011 on a WebSocket)
 *   when subscribed to a source that cannot wait, or one that gives more than `queueSize` items nevertheless.
 * @example `websocket((messages$) => messages$.pipe(inOrder((message) => save(message))))`
 */
export function inOrder<T, O extends ObservableInput<unknown>>(
  project: (value: T, index: number) => O,
  options: InOrderOptions = {},
): OperatorFunction<T, ObservedValueOf<O>> {
  if (typeof project !== 'function') throw new OptionError('project', 'must be a function');
  knownOptions(options, ['queueSize']);
  const queueSize = integerOption('queueSize', options.queueSize, 20_480, 1, Infinity);
  type R = ObservedValueOf<O>;
  const call = (target: Subscriber<R>, source$: Observable<T>): TeardownLogic => {
    if (!isPausable(source$)) {
      target.error(new HandlerError('RHK_CANNOT_SUSPEND', 'inOrder was given a source that cannot wait; fromReadable makes one that can'));
      return;
    }
    const work = project as (value: T, index: number) => ObservableInput<R>; // R is what O gives
    new ItemSubscriber<T, R>(target, work, queueSize).start(source$);
  };
  return (source$) => source$.lift({ call });
}

/** Takes items one at a time. */
class ItemSubscriber<T, R> extends Subscriber<T> implements Items<R> {
  readonly target: Subscriber<R>;
  private readonly project: (value: T, index: number) => ObservableInput<R>;
  private readonly queueSize: number;
  private source: PausableSubscription | null;
  private isPaused: boolean;
  private isSourceDone: boolean;
  /** An item is being worked on. */
  private isActive: boolean;
  /** `advance` is on the stack: what ends within it must not begin it again. */
  private isAdvancing: boolean;
  private waiting: Ring<T> | null;
  private index: number;

  constructor(target: Subscriber<R>, project: (value: T, index: number) => ObservableInput<R>, queueSize: number) {
    super();
    this.target = target;
    this.project = project;
    this.queueSize = queueSize;
    this.source = null;
    this.isPaused = false;
    this.isSourceDone = false;
    this.isActive = false;
    this.isAdvancing = false;
    this.waiting = null;
    this.index = 0;
    target.add(this);
  }

  start(source$: Pausable<T>): void {
    const source: PausableSubscription = source$.subscribePausable(this);
    this.source = source;
    source.resume();
  }

  protected override _next(value: T): void {
    if (this.isActive || this.isAdvancing) return this.hold(value);
    this.isAdvancing = true;
    this.work(value);
    this.isAdvancing = false;
    if (this.isActive || this.waiting !== null || this.isSourceDone) this.advance();
  }

  protected override _error(error: unknown): void {
    this.target.error(error);
  }

  protected override _complete(): void {
    this.isSourceDone = true;
    this.unsubscribe();
    if (!this.isAdvancing) this.advance();
  }

  onItemDone(): void {
    this.isActive = false;
    if (!this.isAdvancing) this.advance();
  }

  private hold(value: T): void {
    this.waiting ??= new Ring();
    if (this.waiting.length < this.queueSize) this.waiting.push(value);
    else this.target.error(new HandlerError('RHK_CANNOT_SUSPEND', `${this.queueSize} items came though the source was paused (queueSize)`));
  }

  private advance(): void {
    this.isAdvancing = true;
    while (!this.isActive && this.waiting !== null && !this.target.closed) {
      const value = this.waiting.shift() as T; // never kept empty
      if (this.waiting.length === 0) this.waiting = null;
      this.work(value);
    }
    this.isAdvancing = false;
    if (this.target.closed) this.waiting = null;
    else if (this.isActive) this.pause();
    else if (this.isSourceDone) this.target.complete();
    else this.resume();
  }

  private work(value: T): void {
    this.isActive = true;
    const work = new WorkSubscriber<R>(this);
    this.target.add(work);
    try {
      from(this.project(value, this.index++)).subscribe(work);
    } catch (error) {
      this.target.error(error);
    }
  }

  private pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.source?.pause();
  }

  private resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.source?.resume();
  }
}

/** Who hands one item after the other to be worked on. */
interface Items<R> {
  readonly target: Subscriber<R>;
  onItemDone(): void;
}

/** What is done for one item. */
class WorkSubscriber<R> extends Subscriber<R> {
  private readonly items: Items<R>;

  constructor(items: Items<R>) {
    super();
    this.items = items;
  }

  protected override _next(value: R): void {
    this.items.target.next(value);
  }

  protected override _error(error: unknown): void {
    this.items.target.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.items.onItemDone();
  }
}
