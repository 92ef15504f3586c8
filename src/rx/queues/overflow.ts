/** What happens to a message that finds the queue of a slow client full: six policies, each with a name. */
import { messageOf, OptionError } from '../../errors.js';
import { integerOption, knownOptions } from '../number-option.js';

/**
 * A policy is a value: made by one of the six functions below, and shared by all clients of a handler.
 *
 * A queue is full when `queueSize` messages wait, or when the next one would make it more than `maxBufferedBytes`. A message
 * that is larger than `maxBufferedBytes` may wait alone.
 */
export type OverflowPolicy<T> =
  | { readonly policy: 'suspend' }
  | { readonly policy: 'drop-newest' }
  | { readonly policy: 'drop-oldest' }
  | { readonly policy: 'latest' }
  | { readonly policy: 'conflate'; readonly keyOf: (message: T) => unknown; readonly maxKeys: number }
  | { readonly policy: 'disconnect'; readonly code: number };

export interface ConflateOptions {
  /** Keys that may wait; past it the oldest is dropped. Default: the `queueSize` of the queue, which counts anyway. */
  readonly maxKeys?: number | undefined;
}

const TRY_AGAIN_LATER = 1013;
const SUSPEND: OverflowPolicy<unknown> = Object.freeze({ policy: 'suspend' });
const DROP_NEWEST: OverflowPolicy<unknown> = Object.freeze({ policy: 'drop-newest' });
const DROP_OLDEST: OverflowPolicy<unknown> = Object.freeze({ policy: 'drop-oldest' });
const LATEST: OverflowPolicy<unknown> = Object.freeze({ policy: 'latest' });
const DISCONNECT: OverflowPolicy<unknown> = Object.freeze({ policy: 'disconnect', code: TRY_AGAIN_LATER });

/**
 * Drops nothing: the source waits while the client has no credit. What can wait are iterables, Readables, web streams, what
 * `fromReadable` makes, a request's `body$` and the messages of a WebSocket client, also behind operators. A source that
 * cannot is refused, and one that goes on nevertheless fails: `RHK_CANNOT_SUSPEND`.
 */
export const suspend = (): OverflowPolicy<unknown> => SUSPEND;

/** What waits stays, what comes is dropped: for messages that make sense only from the start. */
export const dropNewest = (): OverflowPolicy<unknown> => DROP_NEWEST;

/** What has waited longest gives way: the client hears the last `queueSize` messages. */
export const dropOldest = (): OverflowPolicy<unknown> => DROP_OLDEST;

/** One message waits, the newest: for whole states, of which only the present one counts. */
export const latest = (): OverflowPolicy<unknown> => LATEST;

/**
 * For each key its newest message waits, in the place of the first that waited for this key: so a busy key neither starves nor
 * delays the others. A message costs the same however many keys wait.
 *
 * @param keyOf - Told what was sent, before a codec. What it throws is an error of the channel. Keys are compared as in a `Map`.
 * @throws {@link OptionError} for a `keyOf` that is no function, and for `maxKeys` that is no positive integer.
 * @example `websocket(() => prices$, { codec: json, overflow: conflate((price: Price) => price.symbol) })`
 */
export const conflate = <T>(keyOf: (message: T) => unknown, options: ConflateOptions = {}): OverflowPolicy<T> => {
  if (typeof keyOf !== 'function') throw new OptionError('keyOf', `is ${messageOf(keyOf)}, must be a function`);
  knownOptions(options, ['maxKeys']);
  const maxKeys = integerOption('maxKeys', options.maxKeys, Infinity, 1, Infinity);
  return Object.freeze({ policy: 'conflate', keyOf, maxKeys });
};

/**
 * The client is closed with `code`; on HTTP its reply is cut, so that it can tell. What waited is dropped.
 *
 * @param code - 1013, "try again later", by default.
 * @throws {@link OptionError} for a code that a server may not send.
 */
export const disconnect = (code: number = TRY_AGAIN_LATER): OverflowPolicy<unknown> => {
  if (!isSendableCode(code)) throw new OptionError('code', `is ${messageOf(code)}, must be ${SENDABLE_CODES}`);
  return code === TRY_AGAIN_LATER ? DISCONNECT : Object.freeze({ policy: 'disconnect', code });
};

/** @throws {@link OptionError} for what is not such as one of the six functions makes. */
export const checkOverflow = (given: unknown): void => {
  if (typeof given === 'object' && given !== null && isPolicy(given)) return;
  throw new OptionError('overflow', 'must be suspend(), dropNewest(), dropOldest(), latest(), conflate(keyOf) or disconnect(code)');
};

const isPolicy = ({ policy, keyOf, maxKeys, code }: { policy?: unknown; keyOf?: unknown; maxKeys?: unknown; code?: unknown }): boolean => {
  if (policy === 'conflate') return typeof keyOf === 'function' && typeof maxKeys === 'number' && maxKeys >= 1;
  if (policy === 'disconnect') return typeof code === 'number' && isSendableCode(code);
  return typeof policy === 'string' && PLAIN_POLICIES.has(policy);
};

const PLAIN_POLICIES = new Set(['suspend', 'drop-newest', 'drop-oldest', 'latest']);

/** Which close codes an endpoint may send, in words. */
export const SENDABLE_CODES = '1000, 1001, 1003, 1007–1014 or 3000–4999';

/** What an endpoint may send, RFC 6455 §7.4.2 and the IANA registry. */
export const isSendableCode = (code: number): boolean =>
  Number.isInteger(code) &&
  (code === 1000 || code === 1001 || code === 1003 || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999));
