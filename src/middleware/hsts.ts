/** HTTP Strict Transport Security, RFC 6797. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { giveDefaultFields } from './default-fields.js';

/** Options of {@link hsts}. */
export interface HstsOptions {
  /** Seconds for which a browser remembers. Default 31 536 000, a year; 0 makes it forget. */
  readonly maxAge?: number | undefined;
  /** Default `true`. */
  readonly includeSubdomains?: boolean | undefined;
  /** Asks to be built into browsers, which is hard to undo. Default `false`. */
  readonly preload?: boolean | undefined;
}

/**
 * Tells browsers to come by https only. Says nothing over http, RFC 6797 §7.2: behind a proxy that ends TLS, {@link forwardedScheme}
 * has to stand around it.
 */
export const hsts = (options: HstsOptions = {}): Middleware => {
  knownOptions(options, ['maxAge', 'includeSubdomains', 'preload']);
  const maxAge = integerOption('maxAge', options.maxAge, 31_536_000, 0, Number.MAX_SAFE_INTEGER);
  const { includeSubdomains = true, preload = false } = options;
  for (const [name, value] of Object.entries({ includeSubdomains, preload })) {
    if (typeof value !== 'boolean') throw new OptionError(name, `is ${String(value)}, must be true or false`);
  }
  if (preload && !includeSubdomains) throw new OptionError('preload', 'is true, which browsers take together with includeSubdomains only');
  const value = `max-age=${maxAge}${includeSubdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
  return function hsts(handler: Handler): Handler {
    return giveDefaultFields(handler, ({ scheme }) => (scheme === 'https' ? { 'strict-transport-security': value } : {}));
  };
};
