/** Middleware out of middleware. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';

/**
 * One middleware out of many: the first is the outermost, so that a request passes them in the order in which they are written, and
 * its reply in the opposite one. None at all changes nothing.
 *
 * @example `runServer(compose(accessLog(), cors({ origin: 'https://a.example' }), session())(handler))`
 */
export const compose = (...middleware: readonly Middleware[]): Middleware => {
  for (const one of middleware) {
    if (typeof one !== 'function') throw new OptionError('middleware', `has a ${typeof one}, must be functions`);
  }
  return function composed(handler: Handler): Handler {
    return middleware.reduceRight((inner, outer) => outer(inner), handler);
  };
};
