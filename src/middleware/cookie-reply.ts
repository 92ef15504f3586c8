/** Cookies on single replies, without middleware. */
import { responseOf, withAddedHeader } from '../rx/reply-init.js';
import type { HttpResponse, Reply } from '../rx/response.js';
import { checkCookie, type CookieAttributes, setCookie as fieldFrom } from './set-cookie.js';

/** As {@link CookieAttributes}; a reply knows nothing of its request's scheme, so that `secure` has to be said. */
export interface ReplyCookieAttributes extends Omit<CookieAttributes, 'secure'> {
  /** Default `false`. */
  readonly secure?: boolean | undefined;
}

/**
 * The reply with one more `set-cookie`: percent-encoded, `path=/`, `httpOnly` and `sameSite=lax` unless told otherwise. `maxAge: 0`
 * takes a cookie away. Needs the package `cookie`.
 *
 * @throws OptionError for attributes that browsers do not take together, and for a name that no cookie can have.
 * @example `map(() => setCookie(redirect('/'), 'theme', 'dark', { maxAge: 86_400 }))`
 */
export const setCookie = (reply: Reply, name: string, value: string, attributes: ReplyCookieAttributes = {}): HttpResponse => {
  const whole = { ...attributes, secure: attributes.secure ?? false };
  checkCookie('setCookie', name, whole);
  const response = responseOf(reply);
  return { ...response, headers: withAddedHeader(response.headers, 'set-cookie', fieldFrom(name, value, whole, undefined)) };
};
