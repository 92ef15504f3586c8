/** What is said to a client with its next request. */
import { HandlerError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { extend, type HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { passThrough } from './map-response.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';
import { sessionOf, type SessionResponse } from './session.js';
import { regenerate, withSessionData } from './session-store.js';

/** What {@link flash} adds. */
export interface FlashFields {
  /** What the reply before this request said; `undefined` where it said nothing. */
  readonly flash: unknown;
}

/** A response that leaves something for the next request. */
export interface FlashResponse extends HttpResponse {
  readonly flash?: unknown;
}

const KEY = '_flash';

/**
 * Adds `flash` to requests: what a reply before said with `{ flash: 'saved' }`. It is there once, for the next request. Kept in the
 * session: {@link session} has to stand around it.
 */
export const flash = (): RequestMiddleware<FlashFields> =>
  requestMiddleware(
    'flash',
    function flash(handler: Handler): Handler {
      return passThrough(handler, (request) => {
        const { [KEY]: said, ...session } = requireSession('flash', request);
        return {
          request: extend(request, { flash: said, session }),
          response: (response: FlashResponse & SessionResponse): SessionResponse => {
            const { flash: saying, ...rest } = response;
            if (saying !== undefined) {
              const kept = rest.session === null ? regenerate({}) : (rest.session ?? session);
              return { ...rest, session: withSessionData(kept, { [KEY]: saying }) };
            }
            return said !== undefined && rest.session === undefined ? { ...rest, session } : rest;
          },
        };
      });
    },
    (request) => ({ flash: requireSession('flash', request)[KEY] }),
  );

/** @throws {@link HandlerError} where {@link session} is missing: a mistake of the application. */
export const requireSession = (who: string, request: HttpRequest): Readonly<Record<string, unknown>> => {
  const session = sessionOf(request);
  if (session === undefined) throw new HandlerError('RHK_HANDLER_FAILED', `${who}() needs session() around it`);
  return session;
};
