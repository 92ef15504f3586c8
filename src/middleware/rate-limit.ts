/** So many requests of one client in so much time. */
import type ipaddr from 'ipaddr.js';
import { asyncScheduler } from 'rxjs';
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import type { HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { withDefaultFields } from './response-fields.js';

/** Options of {@link rateLimit}. */
export interface RateLimitOptions {
  /** Requests of a client within `windowMs`, and how many may come at once. */
  readonly limit: number;
  /** Milliseconds. */
  readonly windowMs: number;
  /** Who a request counts for; `null` for nobody. Default the address of the peer, of IPv6 its first 64 bits, for which the package `ipaddr.js` is needed. */
  readonly key?: ((request: HttpRequest) => string | null) | undefined;
  /** Clients that are remembered; past it the one that was seen the longest ago starts anew. Default 10 000. */
  readonly maxKeys?: number | undefined;
  /** What the fields call it. Default `default`. */
  readonly name?: string | undefined;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/**
 * Refuses with 429 and `retry-after` what is more than `limit` requests in `windowMs`: a bucket of `limit` tokens for each client, which
 * fills up evenly.
 *
 * All replies say `ratelimit-policy: "default";q=100;w=60` and `ratelimit: "default";r=99;t=1`: what is left, and seconds until the
 * next token (draft-ietf-httpapi-ratelimit-headers-10). The buckets belong to the value that this returns. Behind a proxy
 * {@link forwardedRemoteAddr} has to stand around it, or all clients are one.
 */
export const rateLimit = (options: RateLimitOptions): Middleware => {
  const { limit, windowMs, key, maxKeys, name } = checked(options);
  const msPerToken = windowMs / limit;
  const policy = `"${name}";q=${limit};w=${Math.ceil(windowMs / 1_000)}`;
  /** The one that was seen the longest ago comes first. */
  const buckets = new Map<string, Bucket>();

  const bucketOf = (client: string, now: number): Bucket => {
    const before = buckets.get(client);
    const bucket = before ?? { tokens: limit, filledAt: now };
    if (before !== undefined) buckets.delete(client);
    bucket.tokens = Math.min(limit, bucket.tokens + (now - bucket.filledAt) / msPerToken);
    bucket.filledAt = now;
    buckets.set(client, bucket);
    if (buckets.size > maxKeys) buckets.delete(buckets.keys().next().value as string); // not empty
    return bucket;
  };

  return function rateLimit(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      const client = key(request);
      if (client === null) return {};
      const bucket = bucketOf(client, asyncScheduler.now());
      // what rounding has eaten is no reason to refuse: a token is there a billionth early
      const isAllowed = bucket.tokens >= 1 - 1e-9;
      if (isAllowed) bucket.tokens = Math.max(0, bucket.tokens - 1);
      const left = Math.floor(bucket.tokens + 1e-9);
      const seconds = Math.ceil(((left + 1 - bucket.tokens) * msPerToken) / 1_000 - 1e-9);
      const fields = { 'ratelimit-policy': policy, ratelimit: `"${name}";r=${left};t=${left === limit ? 0 : seconds}` };
      if (!isAllowed) {
        return { answer: { status: 429, headers: { ...fields, 'retry-after': Math.max(1, seconds) }, body: 'too many requests' } };
      }
      return { response: (response) => withDefaultFields(response, fields), faultFields: () => fields };
    });
  };
};

/** One who has a network of 2⁶⁴ addresses is one client. */
const networkKey = (): ((request: HttpRequest) => string) => {
  const addresses = optionalPackage<typeof ipaddr>('ipaddr.js', 'rateLimit without a key');
  return ({ remoteAddr }) => {
    if (!remoteAddr.includes(':') || !addresses.IPv6.isValid(remoteAddr)) return remoteAddr;
    const address = addresses.process(remoteAddr);
    return address instanceof addresses.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString();
  };
};

interface CheckedOptions {
  readonly limit: number;
  readonly windowMs: number;
  readonly key: (request: HttpRequest) => string | null;
  readonly maxKeys: number;
  readonly name: string;
}

const checked = (options: RateLimitOptions): CheckedOptions => {
  knownOptions(options, ['limit', 'windowMs', 'key', 'maxKeys', 'name']);
  const { key = networkKey(), name = 'default' } = options;
  if (typeof key !== 'function') throw new OptionError('key', `is a ${typeof key}, must be a function`);
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name))
    throw new OptionError('name', `is ${JSON.stringify(name)}, must be letters and digits`);
  return {
    limit: integerOption('limit', options.limit ?? null, NaN, 1, Number.MAX_SAFE_INTEGER),
    windowMs: integerOption('windowMs', options.windowMs ?? null, NaN, 1, Number.MAX_SAFE_INTEGER),
    key,
    maxKeys: integerOption('maxKeys', options.maxKeys, 10_000, 1, Infinity),
    name,
  };
};
