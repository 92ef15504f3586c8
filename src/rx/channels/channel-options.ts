/** What `asChannel` and `websocket` can be told, and the handshake that both begin with. */
import { OptionError } from '../../errors.js';
import { isToken } from '../../protocol/grammar.js';
import { type HandshakeRefusal, isRefusal, readHandshake } from '../../protocol/handshake.js';
import { ResponseFields, type ResponseHeaders } from '../../protocol/response-head.js';
import type { DeflateOptions, UpgradeOptions } from '../../transport/contracts.js';
import type { Codec } from './codec.js';
import { integerOption, knownOptions } from '../number-option.js';
import type { QueueLimits } from '../queues/outbound-queue.js';
import { QUEUE_DEFAULTS, queueLimitsFrom, type QueueOptions } from '../queues/queue-options.js';
import type { HttpRequest } from '../request.js';
import type { HttpResponse } from '../response.js';

/** Options of a channel; all have defaults. */
export interface ChannelOptions<I, O> extends QueueOptions<O> {
  /** Subprotocols: those that the server speaks (the client's order of preference decides), or a choice of the application. */
  readonly protocols?: readonly string[] | ((offered: readonly string[], request: HttpRequest) => string | undefined) | undefined;
  /** Origins that may open a WebSocket, or a check; others get 403. Default: all. With a list, a client without an origin is refused. */
  readonly origin?: readonly string[] | ((origin: string | undefined, request: HttpRequest) => boolean) | undefined;
  /** More fields for the 101. */
  readonly headers?: ResponseHeaders | undefined;
  /** Values instead of messages. A message that it cannot decode closes 1007. */
  readonly codec?: Codec<I, O> | undefined;
  /** Octets of a message after inflation; past it the channel closes with 1009. Default: the server's `maxWs`. */
  readonly maxWs?: number | undefined;
  /**
   * Compression, RFC 7692. `true` for messages from 1 024 octets on, ten at a time
   * over the whole process, where the first `concurrencyLimit` counts. Default: none.
   */
  readonly perMessageDeflate?: boolean | { readonly threshold?: number; readonly concurrencyLimit?: number } | undefined;
  /** Milliseconds without progress until a ping, and from there until a silent client counts as dead. Default 30 000. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds for the client's half of the closing handshake. Default 5 000. */
  readonly closeTimeoutMs?: number | undefined;
}

const DEFAULTS = { heartbeatMs: 30_000, closeTimeoutMs: 5_000 };
const DEFLATE_DEFAULTS: DeflateOptions = { threshold: 1_024, concurrencyLimit: 10 };

const MOST: Readonly<Record<string, number>> = {
  maxWs: 2_147_483_647, // the receiver counts in 32 bits
  heartbeatMs: Infinity,
  closeTimeoutMs: 2_147_483_647,
};

const NAMES: readonly string[] = [
  ...['protocols', 'origin', 'headers', 'codec', 'perMessageDeflate'],
  ...Object.keys(QUEUE_DEFAULTS),
  ...Object.keys(MOST),
];

/** Options that are complete. */
export type CheckedOptions<I, O> = Omit<ChannelOptions<I, O>, keyof typeof DEFAULTS | keyof QueueLimits<O> | 'perMessageDeflate'> &
  typeof DEFAULTS &
  QueueLimits<O> & { readonly deflate: DeflateOptions | null };

/** @throws {@link OptionError} for an unknown or a wrong option. */
export const checkOptions = <I, O>(given: ChannelOptions<I, O> = {}): CheckedOptions<I, O> => {
  knownOptions(given, NAMES);
  const checked: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (name in MOST) integerOption(name, value, NaN, 1, MOST[name]);
    checked[name] = value;
  }
  Object.assign(checked, queueLimitsFrom(given));
  const { protocols, origin, codec } = given;
  if (protocols !== undefined && typeof protocols !== 'function' && !(Array.isArray(protocols) && protocols.every(isToken))) {
    throw new OptionError('protocols', 'must be a list of tokens or a function');
  }
  if (origin !== undefined && !Array.isArray(origin) && typeof origin !== 'function') {
    throw new OptionError('origin', 'must be a list or a function');
  }
  if (codec !== undefined && (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function')) {
    throw new OptionError('codec', 'must have the functions encode and decode');
  }
  new ResponseFields(given.headers); // a header that cannot leave is the caller's error, not the first client's
  checked.deflate = deflateFrom(given.perMessageDeflate);
  return checked as unknown as CheckedOptions<I, O>; // every key checked or a default
};

const deflateFrom = (given: ChannelOptions<unknown, unknown>['perMessageDeflate']): DeflateOptions | null => {
  if (given === undefined || given === false) return null;
  if (given === true) return DEFLATE_DEFAULTS;
  if (typeof given !== 'object' || given === null) throw new OptionError('perMessageDeflate', 'must be a boolean or an object');
  knownOptions(given, Object.keys(DEFLATE_DEFAULTS));
  const { threshold, concurrencyLimit } = DEFLATE_DEFAULTS;
  return {
    threshold: integerOption('perMessageDeflate.threshold', given.threshold, threshold, 0, Infinity),
    concurrencyLimit: integerOption('perMessageDeflate.concurrencyLimit', given.concurrencyLimit, concurrencyLimit, 1, Infinity),
  };
};

/** A handshake that may be completed, or the reply that refuses it. */
export type Opening = { readonly upgrade: Omit<UpgradeOptions, 'headers'> } | { readonly refusal: HttpResponse };

export const openingFor = <I, O>(request: HttpRequest, options: CheckedOptions<I, O>): Opening => {
  const handshake = readHandshake(request);
  if (isRefusal(handshake)) return { refusal: responseFrom(handshake) };
  if (!isAllowed(request, options.origin)) return { refusal: { status: 403, body: 'the origin is not allowed' } };
  return {
    upgrade: {
      key: handshake.key,
      protocol: choose(handshake.protocols, request, options.protocols),
      extensions: request.headers['sec-websocket-extensions'],
      deflate: options.deflate,
      maxWs: options.maxWs,
      heartbeatMs: options.heartbeatMs,
      closeTimeoutMs: options.closeTimeoutMs,
    },
  };
};

/** A refused handshake ends its connection: what stands behind it may be anything. */
const responseFrom = ({ status, headers, body }: HandshakeRefusal): HttpResponse => ({
  status,
  headers: { ...headers, connection: 'close' },
  body,
});

const isAllowed = (request: HttpRequest, check: ChannelOptions<unknown, unknown>['origin']): boolean => {
  const origin: string | undefined = request.headers['origin'];
  if (check === undefined) return true;
  if (typeof check === 'function') return check(origin, request);
  return origin !== undefined && check.includes(origin);
};

const choose = (
  offered: readonly string[],
  request: HttpRequest,
  spoken: ChannelOptions<unknown, unknown>['protocols'],
): string | undefined => {
  if (spoken === undefined) return undefined;
  if (typeof spoken !== 'function') return offered.find((protocol) => spoken.includes(protocol));
  const chosen = spoken(offered, request);
  if (chosen === undefined || offered.includes(chosen)) return chosen;
  throw new OptionError('protocols', `chose ${JSON.stringify(chosen)}, which the client did not offer`);
};
