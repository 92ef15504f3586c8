/** 304 for what the client has already. */
import type { Handler, Middleware } from '../rx/handler.js';
import { parseHttpDate } from '../rx/replies/http-date.js';
import { preconditionOf } from '../rx/replies/preconditions.js';
import { discardBody } from './discard-body.js';
import { mapResponse } from './map-response.js';
import { fieldOf, withFields } from './response-fields.js';

/** What a 304 must not or need not repeat, RFC 9110 §15.4.5. */
const OF_CONTENT = {
  'content-type': undefined,
  'content-length': undefined,
  'content-encoding': undefined,
  'content-language': undefined,
  'content-range': undefined,
};

/** What a 412 must not say besides: a cache would keep it, and answer others with it. */
const OF_REPRESENTATION = {
  ...OF_CONTENT,
  etag: undefined,
  'last-modified': undefined,
  'cache-control': undefined,
  expires: undefined,
};

/**
 * Answers GET and HEAD with 304, and 412, where a 200 of the handler has an `etag` or `last-modified` that the conditions of the
 * request ask for, RFC 9110 §13. The body that is not sent is let go.
 */
export const notModified = (): Middleware =>
  function notModified(handler: Handler): Handler {
    return mapResponse(handler, (response, { method, headers }) => {
      if ((response.status ?? 200) !== 200 || (method !== 'GET' && method !== 'HEAD')) return response;
      const etag = fieldOf(response, 'etag');
      const lastModified = fieldOf(response, 'last-modified');
      if (etag === undefined && lastModified === undefined) return response;
      const lastModifiedMs = lastModified === undefined ? undefined : parseHttpDate(lastModified);
      const precondition = preconditionOf(method, headers, { etag, lastModifiedMs });
      if (precondition === 'proceed') return response;
      discardBody(response.body);
      return precondition === 'failed'
        ? { ...withFields(response, OF_REPRESENTATION), status: 412, body: null }
        : { ...withFields(response, OF_CONTENT), status: 304, body: null };
    });
  };
