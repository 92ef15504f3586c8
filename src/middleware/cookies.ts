/** Cookies, RFC 6265: those of requests as values, those of replies from values. */
import { HandlerError, messageOf } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { passThrough } from './map-response.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';
import { withAddedField } from './response-fields.js';
import { checkSecrets, sign, unsign } from './secrets.js';
import { checkCookie, clearCookie, type CookieAttributes, cookieFormat, setCookie } from './set-cookie.js';

/** Options of {@link cookies}. */
export interface CookiesOptions {
  /** For signed cookies, at least 32 characters each: the first signs, all verify. Default none: nothing can be signed. */
  readonly secrets?: readonly string[] | undefined;
  /** Attributes of cookies that do not say otherwise. */
  readonly attributes?: CookieAttributes | undefined;
}

/** What {@link cookies} adds to requests. */
export interface CookiesFields {
  /** Names → values, decoded; of a name that stands twice the first one. Null prototype. */
  readonly cookies: Readonly<Partial<Record<string, string>>>;
  /** Of those, the ones that have been signed here, without their signatures. Null prototype. */
  readonly signedCookies: Readonly<Partial<Record<string, string>>>;
}

/** A cookie to be set. */
export interface CookieToSet extends CookieAttributes {
  readonly value: string;
  /** Signs it with the first secret, together with its name. Default `false`. */
  readonly signed?: boolean | undefined;
}

/** A response that sets cookies; `null` takes one away. */
export interface CookiesResponse extends HttpResponse {
  readonly cookies?: Readonly<Record<string, string | CookieToSet | null>> | undefined;
}

/**
 * Adds `cookies` and `signedCookies` to requests, and sets those of `{ cookies: { name: 'value' } }` in replies, as Ring does.
 *
 * Unless told otherwise a cookie has `Path=/; HttpOnly; SameSite=Lax`, and `Secure` if the request came by https. Values are
 * percent-encoded; a name, path or domain that could end the field fails the reply with 500. Needs the package `cookie`.
 *
 * @example `map(() => ({ body: 'welcome', cookies: { theme: 'dark', user: { value: 'ann', signed: true, maxAge: 3_600 } } }))`
 */
export const cookies = (options: CookiesOptions = {}): RequestMiddleware<CookiesFields> => {
  knownOptions(options, ['secrets', 'attributes']);
  const secrets = options.secrets === undefined ? [] : checkSecrets('secrets', options.secrets);
  const defaults = options.attributes ?? {};
  checkCookie('cookies', 'cookie', defaults);

  const fieldsOf = (request: HttpRequest): CookiesFields => {
    const found = cookiesOf(request);
    const signedCookies = emptyRecord();
    for (const [name, value] of Object.entries(found)) {
      const genuine = secrets.length === 0 ? undefined : unsign(value, name, secrets);
      if (genuine !== undefined) signedCookies[name] = genuine;
    }
    return { cookies: found, signedCookies };
  };

  const lineFor = (name: string, cookie: string | CookieToSet | null, request: HttpRequest): string => {
    if (cookie === null) return clearCookie(name, defaults, request);
    const { value, signed = false, ...attributes } = typeof cookie === 'string' ? { value: cookie } : cookie;
    if (typeof value !== 'string')
      throw new HandlerError('RHK_BAD_REPLY', `cookie ${JSON.stringify(name)} is a ${typeof value}, not a string`);
    if (signed && secrets.length === 0) throw new HandlerError('RHK_BAD_REPLY', 'a cookie should be signed, but cookies() has no secrets');
    try {
      return setCookie(name, signed ? sign(value, name, secrets) : value, { ...defaults, ...attributes }, request);
    } catch (cause) {
      throw new HandlerError('RHK_BAD_HEADER', `cookie ${JSON.stringify(name)} cannot be set: ${messageOf(cause)}`, { cause });
    }
  };

  return requestMiddleware(
    'cookies',
    function cookies(handler: Handler): Handler {
      return passThrough(handler, (request) => ({
        request: extend(request, fieldsOf(request)),
        response: (response: CookiesResponse) => {
          const { cookies: toSet, ...rest } = response;
          if (toSet === undefined) return response;
          const lines = Object.entries(toSet).map(([name, cookie]) => lineFor(name, cookie, request));
          return withAddedField(rest, 'set-cookie', lines);
        },
      }));
    },
    fieldsOf,
  );
};

/** Without signatures being looked at. */
export const cookiesOf = ({ headers }: HttpRequest): Record<string, string> => {
  const cookies = emptyRecord();
  for (const [name, value] of Object.entries(cookieFormat('cookies').parseCookie(headers['cookie'] ?? ''))) {
    if (value !== undefined) cookies[name] = value;
  }
  return cookies;
};

const emptyRecord = (): Record<string, string> => Object.create(null) as Record<string, string>; // Object.create is typed any
