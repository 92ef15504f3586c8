/**
 * A named source in memory, with history. Owns: its name and options, its faces as Observable and Observer. Leaves: order and
 * replay to `rx/replay/replay-log.ts`.
 */
import { Observable, type Observer, type Subscriber } from 'rxjs';
import { HandlerError, HttpKitError, messageOf, OptionError } from '../errors.js';
import { formatCursor } from '../rx/replay/cursor.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { ReplayLog } from '../rx/replay/replay-log.js';
import type { Follower, Published, Replay, Replayable, Unfollow } from '../rx/replay/replayable.js';
import { warnPerProcess } from '../rx/replay/warn-per-process.js';

export interface TopicOptions {
  /** Items that are kept for those who come back, from 0 on, always a finite number. Default 1 000. */
  readonly history?: number | undefined;
  /**
   * Milliseconds after which an item is forgotten, counted when the topic is next used. Default Infinity: until `history`
   * newer ones have come.
   */
  readonly ttlMs?: number | undefined;
}

const DEFAULT_HISTORY = 1_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/**
 * A topic in memory, of this process: where many processes serve, a warning says once that the others see nothing of it. Two of one
 * name are two topics: keep it where all who need it can see it.
 *
 * @param name - 1–128 letters, digits and `. _ : / -`, the first a letter or digit.
 * @throws {@link OptionError} for another name, or a wrong option.
 * @example `const prices = topic<Price>('prices'); prices.publish({ symbol: 'ABC', bid: 7 }); feed(prices);`
 */
export const topic = <T>(name: string, options: TopicOptions = {}): Topic<T> => {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new OptionError('name', `is ${typeof name === 'string' ? JSON.stringify(name) : messageOf(name)}, must match ${String(NAME)}`);
  }
  knownOptions(options, ['history', 'ttlMs']);
  const history = integerOption('history', options.history, DEFAULT_HISTORY, 0, Number.MAX_SAFE_INTEGER);
  const ttlMs = integerOption('ttlMs', options.ttlMs, Infinity, 1, Infinity);
  warnPerProcess(`topic "${name}"`);
  return new Topic(name, new ReplayLog<T>({ history, ttlMs }));
};

/**
 * As an Observable a topic emits what is published from now on, with its ids; as an Observer it publishes. All subscribers see
 * all items in one order, also those that a subscriber publishes; one that throws harms nobody else.
 */
export class Topic<T> extends Observable<Published<T>> implements Observer<T>, Replayable<T> {
  readonly name: string;
  private readonly log: ReplayLog<T>;

  /** Made by `topic` only. */
  constructor(name: string, log: ReplayLog<T>) {
    super((subscriber) => log.follow(undefined, 0, new Following(subscriber, passOn)));
    this.name = name;
    this.log = log;
  }

  /** Names the life of this topic: a new one for each that is made. */
  get epoch(): string {
    return this.log.epoch;
  }

  /** Of the last item that was published; 0 before the first. */
  get offset(): number {
    return this.log.offset;
  }

  /** `epoch:offset`: the cursor of a client that has everything. */
  get cursor(): string {
    return formatCursor(this.log.epoch, this.log.offset);
  }

  /**
   * Keeps a value and tells it to everybody before it returns; from inside a subscriber, behind what they are being told.
   *
   * @returns The id of the item, `epoch:offset`.
   * @throws {@link HandlerError} `RHK_TOPIC_ENDED` when the topic is complete or has failed.
   */
  publish(value: T): string {
    if (this.log.hasEnded) throw new HandlerError('RHK_TOPIC_ENDED', `topic ${this.name} has ended, nothing can be published`);
    return this.log.publish(value);
  }

  /** Publishes, without an answer; without effect when the topic has ended, as with every Subject. */
  next(value: T): void {
    this.log.publish(value);
  }

  /** Ends the topic and its feeds. What it keeps can still be asked for. */
  complete(): void {
    this.log.complete();
  }

  /** As `complete`, and tells subscribers and feeds of the error. */
  error(error: unknown): void {
    this.log.error(error);
  }

  /**
   * What was published behind a cursor: everything, or `recovered: false`, where the cursor is malformed, of another epoch,
   * from the future, or older than what is kept.
   */
  since(cursor: string): Replay<T> {
    return this.log.since(cursor);
  }

  /**
   * What was published behind a cursor, then what will be, with nothing missed or doubled between the two.
   *
   * Fails with `RHK_CURSOR_LOST` (410) where `since` would say `recovered: false`.
   */
  after(cursor: string): Observable<Published<T>> {
    return new Observable((subscriber) =>
      this.log.follow(
        cursor,
        0,
        new Following<T>(subscriber, ({ recovered, items }) => {
          if (!recovered) subscriber.error(new HttpKitError('RHK_CURSOR_LOST'));
          for (const item of items) subscriber.next(item);
        }),
      ),
    );
  }

  follow(cursor: string | undefined, latest: number | undefined, follower: Follower<T>): Unfollow {
    return this.log.follow(cursor, latest, follower);
  }
}

/** A subscriber among the followers. */
class Following<T> implements Follower<T> {
  readonly onReplay: (replay: Replay<T>) => void;
  private readonly subscriber: Subscriber<Published<T>>;

  constructor(subscriber: Subscriber<Published<T>>, onReplay: (replay: Replay<T>) => void) {
    this.subscriber = subscriber;
    this.onReplay = onReplay;
  }

  onPublished(published: Published<T>): void {
    this.subscriber.next(published);
  }

  onEnd(): void {
    this.subscriber.complete();
  }

  onError(error: unknown): void {
    this.subscriber.error(error);
  }
}

const passOn = (): void => {}; // nothing is replayed to one who subscribes to what comes
