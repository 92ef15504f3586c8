/** A smaller limit for request bodies than the server's own. */
import { tap } from 'rxjs';
import { ProtocolError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption } from '../rx/number-option.js';
import { extend } from '../rx/request.js';
import { passThrough } from './map-response.js';

/**
 * Refuses bodies of more octets with 413: an announced one before a byte of it was read, a chunked one when it has become too long.
 * The server's `maxBody` holds besides.
 *
 * @param maxBody - Octets, from 0.
 */
export const bodyLimit = (maxBody: number): Middleware => {
  const limit = integerOption('maxBody', maxBody ?? null, NaN, 0, Infinity);
  return function bodyLimit(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      const { contentLength } = request;
      if (contentLength !== undefined) {
        if (contentLength > limit) throw new ProtocolError('RHK_BODY_TOO_LARGE', `request body is ${contentLength} octets, limit ${limit}`);
        return {};
      }
      let octets = 0;
      const body$ = request.body$.pipe(
        tap((piece) => {
          octets += piece.length;
          if (octets > limit) throw new ProtocolError('RHK_BODY_TOO_LARGE', `request body is more than ${limit} octets`);
        }),
      );
      return { request: extend(request, { body$ }) };
    });
  };
};
