/** Replies to a request that has made something. */
import { locationFrom } from './location.js';
import { responseOf, withHeader } from '../reply-init.js';
import type { HttpResponse, Reply } from '../response.js';

/**
 * 201 with the place of what was made, RFC 9110 §15.3.2.
 *
 * @param place - As {@link redirect} takes it.
 * @param reply - Its body and headers; its status does not count.
 * @throws HandlerError `RHK_BAD_HEADER` for a place with a control character.
 * @example `created('/notes/7', json(note))`
 */
export const created = (place: string | URL, reply: Reply = null): HttpResponse => {
  const response = responseOf(reply);
  return { ...response, status: 201, headers: withHeader(response.headers, 'location', locationFrom(place)) };
};
