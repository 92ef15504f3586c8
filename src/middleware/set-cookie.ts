/** `set-cookie`, RFC 6265 §4.1, with attributes that are safe unless they are told not to be. */
import { OptionError } from '../errors.js';
import { knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import type { HttpRequest } from '../rx/request.js';

/** Attributes of a cookie. */
export interface CookieAttributes {
  /** Seconds; a cookie without it ends with the browser's session. */
  readonly maxAge?: number | undefined;
  readonly expires?: Date | undefined;
  readonly domain?: string | undefined;
  /** Default `/`. */
  readonly path?: string | undefined;
  /** Scripts do not see it. Default `true`. */
  readonly httpOnly?: boolean | undefined;
  /** Sent over https only. Default `auto`: as the request's `scheme` is. */
  readonly secure?: boolean | 'auto' | undefined;
  /** Default `lax`. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined;
  readonly partitioned?: boolean | undefined;
  readonly priority?: 'low' | 'medium' | 'high' | undefined;
}

const ATTRIBUTES = ['maxAge', 'expires', 'domain', 'path', 'httpOnly', 'secure', 'sameSite', 'partitioned', 'priority'];

/** What browsers keep of name and value, RFC 6265 §6.1: they drop a longer one without a word. */
const MAX_OCTETS = 4_096;

/** What is used of the package `cookie`. */
interface CookieFormat {
  parseCookie(text: string): Record<string, string | undefined>;
  /** @throws TypeError for what would end the field. */
  stringifySetCookie(cookie: CookieAttributes & { readonly name: string; readonly value: string }): string;
}

/** @throws {@link OptionError} where the package is missing. */
export const cookieFormat = (who: string): CookieFormat => optionalPackage('cookie', who);

/**
 * @param who - What sets it, as its user calls it.
 * @throws {@link OptionError} for attributes that browsers do not take together, and where the package `cookie` is missing.
 */
export const checkCookie = (who: string, name: string, attributes: CookieAttributes): void => {
  cookieFormat(who);
  knownOptions(attributes, ATTRIBUTES);
  const { domain, path = '/', secure, sameSite, partitioned } = attributes;
  if (sameSite === 'none' && secure === false) throw new OptionError('sameSite', 'is none, which browsers take from secure cookies only');
  if (partitioned === true && secure === false)
    throw new OptionError('partitioned', 'is true, which browsers take from secure cookies only');
  if (/^__(?:Host|Secure)-/i.test(name) && secure !== true) throw new OptionError('secure', `must be true for a cookie called ${name}`);
  if (/^__Host-/i.test(name) && (domain !== undefined || path !== '/')) {
    throw new OptionError('path', `must be / without a domain for a cookie called ${name}`);
  }
  try {
    setCookie(name, 'x', attributes, undefined);
  } catch (cause) {
    throw new OptionError('cookie', cause instanceof Error ? cause.message : 'is wrong');
  }
};

/**
 * The value of a `set-cookie` field. The value is percent-encoded.
 *
 * @throws TypeError for a name, path or domain that would end the field or the attribute, and for more than 4 096 octets.
 */
export const setCookie = (name: string, value: string, attributes: CookieAttributes, request: HttpRequest | undefined): string => {
  const { secure = 'auto', path = '/', httpOnly = true, sameSite = 'lax', ...others } = attributes;
  const given = Object.fromEntries(Object.entries(others).filter(([, attribute]) => attribute !== undefined));
  const field = cookieFormat('setCookie').stringifySetCookie({
    ...given,
    name,
    value,
    path,
    httpOnly,
    sameSite,
    secure: secure === 'auto' ? request?.scheme === 'https' : secure,
  });
  const octets = field.indexOf(';'); // of name and value, which are US-ASCII by now; `SameSite` is always behind them
  if (octets > MAX_OCTETS) throw new TypeError(`a cookie is ${octets} octets, limit ${MAX_OCTETS}`);
  return field;
};

/** Takes a cookie from the client: only with the path and domain that it was set with. */
export const clearCookie = (name: string, attributes: CookieAttributes, request: HttpRequest): string =>
  setCookie(name, '', { ...attributes, maxAge: 0, expires: new Date(0) }, request);
