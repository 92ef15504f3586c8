/** Replies that send the client elsewhere. */
import { HandlerError } from '../../errors.js';
import { locationFrom } from './location.js';
import { type ReplyInit, withHeader } from '../reply-init.js';
import type { HttpResponse } from '../response.js';

/** 301, 308: for good. 307, 308: with the same method and body. 303: by GET. 302: by GET after POST, as browsers do it. */
export type RedirectStatus = 301 | 302 | 303 | 307 | 308;

/**
 * Sends the client to another place; the default status is 302, as in Ring.
 *
 * A place that comes from a request must have been checked: `//host/path` leads to another host.
 *
 * @param place - A path, or a whole URL. What no URI may hold is percent-encoded, escapes stay as they are.
 * @throws {@link HandlerError} `RHK_BAD_HEADER` for a place with a control character, `RHK_BAD_STATUS` for another status.
 * @example `map(() => redirect('/login', 303))`
 */
export const redirect = (place: string | URL, status: RedirectStatus = 302, { headers }: Pick<ReplyInit, 'headers'> = {}): HttpResponse => {
  if (!STATUSES.has(status))
    throw new HandlerError('RHK_BAD_STATUS', `status of a redirect is ${String(status)}, must be one of ${[...STATUSES].join(', ')}`);
  return { status, headers: withHeader(headers, 'location', locationFrom(place)) };
};

const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
