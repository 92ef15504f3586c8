/** Places that a client is sent to, RFC 9110 §10.2.2. */
import { HandlerError } from '../../errors.js';

/**
 * A URI reference that can stand in a `location`: what no URI may hold is percent-encoded (spaces, quotes, letters beyond
 * US-ASCII, the backslash, which browsers take for a slash), escapes stay as they are.
 *
 * @throws {@link HandlerError} `RHK_BAD_HEADER` for a control character, and for what is no text.
 */
export const locationFrom = (place: string | URL): string => {
  const text = place instanceof URL ? place.href : place;
  if (typeof text !== 'string') throw new HandlerError('RHK_BAD_HEADER', `location is a ${typeof text}, not a string or URL`);
  if (CONTROL.test(text)) throw new HandlerError('RHK_BAD_HEADER', 'location has a control character');
  try {
    return text.replace(NOT_IN_A_URI, encodeURIComponent);
  } catch (cause) {
    throw new HandlerError('RHK_BAD_HEADER', 'location has half of a character', { cause }); // a lone surrogate
  }
};

const CONTROL = /[\0-\x1f\x7f-\x9f]/;
const NOT_IN_A_URI = /[^!#$%&'()*+,\-./:;=?@[\]_~0-9A-Za-z]+/g;
