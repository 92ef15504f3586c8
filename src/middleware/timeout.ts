/** An answer for clients whose handler takes too long. */
import { of, timeout as failAfter } from 'rxjs';
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { Reply } from '../rx/response.js';
import { passThrough } from './map-response.js';

/** Options of {@link timeout}. */
export interface TimeoutOptions {
  /** Milliseconds until the first item of the reply. */
  readonly firstMs: number;
  /** 503 for work of our own, 504 for that of another server. Default 503. */
  readonly status?: 503 | 504 | undefined;
  /** Seconds, for `retry-after`. Default none. */
  readonly retryAfter?: number | undefined;
}

/** Longer than a timer can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/**
 * Answers 503 or 504 where the handler has said nothing for so long, and lets the handler go. What has begun may take as long as it
 * wants. A request that is let go stops what it does only as far as its handler does on unsubscription.
 */
export const timeout = (options: TimeoutOptions): Middleware => {
  knownOptions(options, ['firstMs', 'status', 'retryAfter']);
  const firstMs = integerOption('firstMs', options.firstMs ?? null, NaN, 0, MAX_TIMEOUT_MS);
  const { status = 503 } = options;
  if (status !== 503 && status !== 504) throw new OptionError('status', `is ${String(status)}, must be 503 or 504`);
  const retryAfter =
    options.retryAfter === undefined ? undefined : integerOption('retryAfter', options.retryAfter, 0, 0, Number.MAX_SAFE_INTEGER);
  const late: Reply = {
    status,
    headers: { 'retry-after': retryAfter },
    body: status === 503 ? 'the server took too long' : 'another server took too long',
  };
  return function timeout(handler: Handler): Handler {
    return passThrough(
      (requests$) => handler(requests$).pipe(failAfter({ first: firstMs, with: () => of(late) })),
      () => ({}),
    );
  };
};
