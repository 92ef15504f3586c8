/** The scheme that a client used with the proxy in front. */
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type ForwardedOptions, trustedProxies } from './trusted-proxies.js';

/** Takes `scheme` from `x-forwarded-proto`, where a proxy that is trusted says `http` or `https`. */
export const forwardedScheme = (options: ForwardedOptions = {}): Middleware => {
  knownOptions(options, ['proxies', 'header']);
  const { isTrusted } = trustedProxies('forwardedScheme', options.proxies);
  const header = (options.header ?? 'x-forwarded-proto').toLowerCase();
  return function forwardedScheme(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      if (!isTrusted(request.remoteAddr)) return {};
      const scheme = request.headers[header]?.toLowerCase();
      return scheme === 'http' || scheme === 'https' ? { request: extend(request, { scheme }) } : {};
    });
  };
};
