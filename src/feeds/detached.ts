/** Producers that outlive their clients for a while, so that a client that was cut off comes back to the same one. */
import { isObservable, type Observable } from 'rxjs';
import { HandlerError, messageOf, OptionError, OverloadError } from '../errors.js';
import { formatCursor } from '../rx/replay/cursor.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { Follower, Replayable, Unfollow } from '../rx/replay/replayable.js';
import type { HttpRequest } from '../rx/request.js';
import { type LingeringOptions, LingeringSource } from './lingering-source.js';

/** Options of {@link detached}. */
export interface DetachedOptions {
  /**
   * Names the producer that a request is for: the same text, the same producer. Whoever can say it hears it, so it should
   * be beyond guessing, or belong to the user that was authenticated.
   */
  readonly keyOf: (request: HttpRequest) => string;
  /** Milliseconds that a producer goes on without a client, and that its items are kept behind its end. Default 60 000. */
  readonly ttlMs?: number | undefined;
  /** Items that are kept for those who come back. Default 10 000. */
  readonly replay?: number | undefined;
  /**
   * Producers at a time; past it one that has ended makes room, or else the request gets 503 (`RHK_TOO_MANY_STREAMS`).
   * Default 1 000.
   */
  readonly maxStreams?: number | undefined;
}

const DEFAULTS = { ttlMs: 60_000, replay: 10_000, maxStreams: 1_000 };
const MAX_MS = 2_147_483_647;

/**
 * A source for `feed`: for each key one producer, started by the first request for it. While clients come and go it stays
 * subscribed, and for `ttlMs` when the last has gone; each client gets what it missed behind its cursor, and one that comes
 * without a cursor gets all from the start. It is let go exactly once: `ttlMs` after its last client, or at its own end.
 *
 * A client that comes back later than that starts the producer again, and is told `reset`; `start` can refuse it: it sees
 * `lastEventIdOf(request)`. Where `start` gives `undefined` the request is not the feed's, in the end a 404.
 *
 * @example `feed(detached((request) => tokens(promptOf(request)), { keyOf: ({ uri }) => uri, ttlMs: 60_000 }))`
 */
export const detached = <T>(
  start: (request: HttpRequest) => Observable<T> | undefined,
  options: DetachedOptions,
): ((request: HttpRequest) => Replayable<T> | undefined) => {
  if (typeof start !== 'function') throw new OptionError('start', `is ${messageOf(start)}, must be a function`);
  knownOptions(options, ['keyOf', 'ttlMs', 'replay', 'maxStreams']);
  const { keyOf } = options;
  if (typeof keyOf !== 'function') throw new OptionError('keyOf', `is ${messageOf(keyOf)}, must be a function`);
  const lingering: LingeringOptions = {
    history: integerOption('replay', options.replay, DEFAULTS.replay, 0, Number.MAX_SAFE_INTEGER),
    ttlMs: Infinity,
    keepsFailure: true, // who was cut off by it must not start it again
    lingerMs: integerOption('ttlMs', options.ttlMs, DEFAULTS.ttlMs, 0, MAX_MS),
  };
  const maxStreams = integerOption('maxStreams', options.maxStreams, DEFAULTS.maxStreams, 1, Number.MAX_SAFE_INTEGER);
  const producers = new Map<string, Producer<T>>();
  return (request) => {
    const key = keyOf(request);
    if (typeof key !== 'string') throw new HandlerError('RHK_HANDLER_FAILED', `keyOf of a detached stream gave a ${typeof key}, not text`);
    const running = producers.get(key);
    if (running !== undefined) return running;
    if (producers.size >= maxStreams) makeRoom(producers, maxStreams);
    const source$ = start(request);
    if (source$ === undefined) return undefined;
    if (!isObservable(source$)) throw new HandlerError('RHK_BAD_REPLY', 'start of a detached stream gave no Observable');
    const producer = new Producer(source$, lingering, () => {
      if (producers.get(key) === producer) producers.delete(key);
    });
    producers.set(key, producer);
    producer.awaitClient(); // a request that is refused further on never follows
    return producer;
  };
};

/** Those that have ended are only kept for who comes back late: the oldest of them goes first. */
const makeRoom = (producers: ReadonlyMap<string, Producer<unknown>>, maxStreams: number): void => {
  for (const producer of producers.values()) {
    if (producer.log.hasEnded && !producer.hasClients) return producer.dispose();
  }
  throw new OverloadError('RHK_TOO_MANY_STREAMS', `${maxStreams} detached streams run (maxStreams)`);
};

class Producer<T> extends LingeringSource<T> {
  /** One who comes for the first time is owed everything, or told that it is not all there any more. */
  override follow(cursor: string | undefined, latest: number = Infinity, follower: Follower<T>): Unfollow {
    return super.follow(cursor ?? formatCursor(this.log.epoch, 0), latest, follower);
  }
}
