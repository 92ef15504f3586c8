/** Requests that another site has its visitors send: they are refused. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { HandlerError, OptionError } from '../errors.js';
import { isToken } from '../protocol/grammar.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { cookiesOf } from './cookies.js';
import { requireSession } from './flash.js';
import { passThrough } from './map-response.js';
import type { ParamsFields } from './params.js';
import { hostOf } from './request-url.js';
import { withAddedField } from './response-fields.js';
import { checkSecrets, sign, unsign } from './secrets.js';
import type { SessionResponse } from './session.js';
import { isRegenerated, withSessionData } from './session-store.js';
import { checkCookie, type CookieAttributes, setCookie } from './set-cookie.js';

/** Options of {@link antiForgery}. */
export interface AntiForgeryOptions {
  /** `session` keeps the token there, `cookie` in a signed cookie of its own. Default `session`. */
  readonly strategy?: 'session' | 'cookie' | undefined;
  /** For `cookie`, at least 32 characters each: the first signs, all verify. */
  readonly secrets?: readonly string[] | undefined;
  /** For `cookie`. Default `csrf`. */
  readonly cookieName?: string | undefined;
  /** For `cookie`. */
  readonly cookieAttrs?: CookieAttributes | undefined;
  /** Origins besides the request's own whose pages may send: `['https://admin.example']`. */
  readonly trustedOrigins?: readonly string[] | undefined;
  /** What is answered instead. Default a 403. */
  readonly errorResponse?: HttpResponse | undefined;
}

const OPTIONS = ['strategy', 'secrets', 'cookieName', 'cookieAttrs', 'trustedOrigins', 'errorResponse'];
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const SESSION_KEY = '_antiForgeryToken';
const FORM_FIELD = '__anti-forgery-token';
const TOKEN_OCTETS = 32;
const REFUSED: HttpResponse = { status: 403, body: 'invalid anti-forgery token' };

/** What {@link antiForgery} adds, made when it is first read. */
interface AntiForgeryFields {
  readonly antiForgeryToken: string;
}

/**
 * The token that a form or a script has to send back: as `__anti-forgery-token` in a form, or as `x-csrf-token` in the head. Another text
 * for each request, so that compressed pages do not give it away.
 *
 * @throws {@link HandlerError} where {@link antiForgery} does not stand around the handler.
 */
export const antiForgeryToken = (request: HttpRequest): string => {
  const { antiForgeryToken } = request as Partial<AntiForgeryFields>; // asked, not assumed
  if (antiForgeryToken === undefined) throw new HandlerError('RHK_HANDLER_FAILED', 'antiForgeryToken needs antiForgery() around it');
  return antiForgeryToken;
};

/**
 * Refuses with 403 all but GET, HEAD, OPTIONS and TRACE without the client's token; whatever its token, what a browser says comes from
 * another site (`sec-fetch-site`, `origin`) and not from `trustedOrigins`; and WebSockets of other sites.
 *
 * A token is made, and a session for it, when {@link antiForgeryToken} is first read. Forms are read by {@link params} and
 * {@link multipartParams}, which have to stand around this, as {@link session} has.
 */
export const antiForgery = (options: AntiForgeryOptions = {}): Middleware => {
  const { trustedOrigins, errorResponse, keeper } = checked(options);
  return function antiForgery(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      const kept = keeper.read(request);
      const isSafe = SAFE_METHODS.has(request.method);
      if ((!isSafe || request.isWebSocket) && isForeign(request, trustedOrigins)) return { answer: errorResponse };
      if (!isSafe && (kept === undefined || !isSame(kept, sentToken(request)))) return { answer: errorResponse };
      let made: Buffer | undefined;
      const fields: AntiForgeryFields = {
        get antiForgeryToken() {
          return masked(kept ?? (made ??= randomBytes(TOKEN_OCTETS)));
        },
      };
      return {
        request: extend(request, fields),
        response: (response) => keeper.keep(response, request, kept, made),
      };
    });
  };
};

// ── where the token is kept ─────────────────────────────────────────────────────────────────────────────────────────

interface Keeper {
  read(request: HttpRequest): Buffer | undefined;
  keep(response: HttpResponse, request: HttpRequest, kept: Buffer | undefined, made: Buffer | undefined): HttpResponse;
}

const sessionKeeper: Keeper = {
  read: (request) => tokenFrom(requireSession('antiForgery', request)[SESSION_KEY]),
  keep: (response: SessionResponse, request, kept, made): SessionResponse => {
    const { session } = response;
    if (session === null) return response;
    const token = made ?? kept;
    // a session that is replaced keeps its token, one that is regenerated gets a new one, unless this reply has shown one just now
    if (token === undefined || (made === undefined && (session === undefined || isRegenerated(session)))) return response;
    return {
      ...response,
      session: withSessionData(session ?? requireSession('antiForgery', request), { [SESSION_KEY]: token.toString('base64url') }),
    };
  },
};

const cookieKeeper = (name: string, attributes: CookieAttributes, secrets: readonly string[]): Keeper => ({
  read: (request) => tokenFrom(unsign(cookiesOf(request)[name] ?? '', name, secrets)),
  keep: (response, request, _kept, made) => {
    if (made === undefined) return response;
    return withAddedField(response, 'set-cookie', [setCookie(name, sign(made.toString('base64url'), name, secrets), attributes, request)]);
  },
});

const tokenFrom = (text: unknown): Buffer | undefined => {
  if (typeof text !== 'string') return undefined;
  const token = Buffer.from(text, 'base64url');
  return token.length === TOKEN_OCTETS ? token : undefined;
};

// ── what is sent back ───────────────────────────────────────────────────────────────────────────────────────────────

/** The token under a mask of random octets, behind the mask. */
const masked = (token: Buffer): string => {
  const mask = randomBytes(TOKEN_OCTETS);
  return Buffer.concat([mask, token.map((octet, i) => octet ^ mask[i])]).toString('base64url');
};

const isSame = (token: Buffer, sent: unknown): boolean => {
  if (typeof sent !== 'string' || sent.length > 128) return false;
  const octets = Buffer.from(sent, 'base64url');
  if (octets.length !== 2 * TOKEN_OCTETS) return false;
  const mask = octets.subarray(0, TOKEN_OCTETS);
  return timingSafeEqual(
    token,
    octets.subarray(TOKEN_OCTETS).map((octet, i) => octet ^ mask[i]),
  );
};

const sentToken = (request: HttpRequest): unknown => {
  const { headers } = request;
  const { formParams, multipartParams } = request as Partial<ParamsFields> & {
    readonly multipartParams?: Readonly<Record<string, unknown>>;
  }; // asked, not assumed
  return headers['x-csrf-token'] ?? headers['x-xsrf-token'] ?? formParams?.[FORM_FIELD] ?? multipartParams?.[FORM_FIELD];
};

/** What the browser says, which no page can change. The scheme is not looked at: a proxy may have changed it. */
const isForeign = (request: HttpRequest, trustedOrigins: readonly string[]): boolean => {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined) {
    if (trustedOrigins.includes(origin)) return false;
    if (!URL.canParse(origin) || new URL(origin).host !== hostWithoutOwnPort(origin, hostOf(request))) return true;
  }
  return site === 'cross-site' || site === 'same-site';
};

/** `a.example:443` of an https origin is `a.example`. */
const hostWithoutOwnPort = (origin: string, host: string): string => {
  const url = `${origin.slice(0, origin.indexOf(':'))}://${host}`;
  return URL.canParse(url) ? new URL(url).host : host;
};

interface CheckedOptions {
  readonly trustedOrigins: readonly string[];
  readonly errorResponse: HttpResponse;
  readonly keeper: Keeper;
}

const checked = (options: AntiForgeryOptions): CheckedOptions => {
  knownOptions(options, OPTIONS);
  const { strategy = 'session', cookieName = 'csrf', cookieAttrs = {}, trustedOrigins = [], errorResponse = REFUSED } = options;
  for (const origin of trustedOrigins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new OptionError('trustedOrigins', `has ${JSON.stringify(origin)}, must be like https://a.example`);
    }
  }
  if (strategy === 'session') {
    for (const name of ['secrets', 'cookieName', 'cookieAttrs'] as const) {
      if (options[name] !== undefined) throw new OptionError(name, 'is for the strategy cookie only');
    }
    return { trustedOrigins, errorResponse, keeper: sessionKeeper };
  }
  if (strategy !== 'cookie') throw new OptionError('strategy', `is ${String(strategy)}, must be session or cookie`);
  const secrets = checkSecrets('secrets', options.secrets);
  if (!isToken(cookieName)) throw new OptionError('cookieName', `is ${JSON.stringify(cookieName)}, must be a token`);
  checkCookie('antiForgery', cookieName, cookieAttrs);
  return { trustedOrigins, errorResponse, keeper: cookieKeeper(cookieName, cookieAttrs, secrets) };
};
