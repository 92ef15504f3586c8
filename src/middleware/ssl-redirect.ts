/** From http to https. */
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { passThrough } from './map-response.js';
import { hostNameOf, targetOf } from './request-url.js';

/** Options of {@link sslRedirect}. */
export interface SslRedirectOptions {
  /** The port that https is served on. Default 443. */
  readonly sslPort?: number | undefined;
}

/**
 * Sends requests that came by http to the same place by https: 301 for GET and HEAD, 307 for the rest, so that a form is posted again.
 *
 * Behind a proxy that ends TLS, {@link forwardedScheme} has to stand around it, or it redirects for ever.
 */
export const sslRedirect = (options: SslRedirectOptions = {}): Middleware => {
  knownOptions(options, ['sslPort']);
  const sslPort = integerOption('sslPort', options.sslPort, 443, 1, 65_535);
  const port = sslPort === 443 ? '' : `:${sslPort}`;
  return function sslRedirect(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      if (request.scheme === 'https') return {};
      const target = request.uri.startsWith('/') ? targetOf(request) : '/'; // OPTIONS * has no path
      const location = `https://${hostNameOf(request)}${port}${target}`;
      const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 307;
      return { answer: { status, headers: { location }, body: null } };
    });
  };
};
