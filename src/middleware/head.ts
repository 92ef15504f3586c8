/** HEAD for handlers that know GET only. */
import type { Handler, Middleware } from '../rx/handler.js';
import { extend } from '../rx/request.js';
import { passThrough } from './map-response.js';

/**
 * Asks the handler for a GET where the client asked for a HEAD, RFC 9110 §9.3.2.
 *
 * The server drops the body, lets a streamed one go as soon as the head is made, and says the length that it would have had.
 */
export const head = (): Middleware =>
  function head(handler: Handler): Handler {
    return passThrough(handler, (request) => (request.method === 'HEAD' ? { request: extend(request, { method: 'GET' }) } : {}));
  };
