/** Cross-Origin Resource Sharing, WHATWG Fetch §3.3. */
import { messageOf, OptionError } from '../errors.js';
import { isToken } from '../protocol/grammar.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { withFields, withVary } from './response-fields.js';

/** Which origins: all, one or some by name, by a pattern for the whole of it, or as a function says. */
export type CorsOrigin = '*' | string | RegExp | readonly (string | RegExp)[] | ((origin: string, request: HttpRequest) => boolean);

/** Options of {@link cors}. */
export interface CorsOptions {
  /** Whose pages may read replies. Default `'*'`. */
  readonly origin?: CorsOrigin | undefined;
  /** What a preflight allows. Default `GET HEAD PUT PATCH POST DELETE`. */
  readonly methods?: readonly string[] | undefined;
  /** Request fields that a preflight allows. Default those that it asks for. */
  readonly allowedHeaders?: readonly string[] | undefined;
  /** Response fields that pages may read. Default none but the safe ones. */
  readonly exposedHeaders?: readonly string[] | undefined;
  /** Cookies and the like may be sent. Default `false`; refused with `'*'`. */
  readonly credentials?: boolean | undefined;
  /** Seconds that a browser may remember a preflight. Default none, which is 5 in most. */
  readonly maxAge?: number | undefined;
}

const OPTIONS = ['origin', 'methods', 'allowedHeaders', 'exposedHeaders', 'credentials', 'maxAge'];
const PREFLIGHT_FIELDS = ['origin', 'access-control-request-method', 'access-control-request-headers'];

/**
 * Lets pages of other origins read replies, those of errors and missing handlers included. Answers preflights itself, with 204.
 *
 * Of an origin that is not allowed the handler is run all the same, and its browser keeps the reply from the page: what must not
 * happen for others has to be refused elsewhere, by {@link antiForgery} for example.
 *
 * @throws {@link OptionError} for credentials with `'*'` or with the origin `null`, and for what is no origin, method or field name.
 */
export const cors = (options: CorsOptions = {}): Middleware => {
  knownOptions(options, OPTIONS);
  const {
    origin = '*',
    methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'],
    allowedHeaders,
    exposedHeaders = [],
    credentials = false,
  } = options;
  if (typeof credentials !== 'boolean') throw new OptionError('credentials', `is ${String(credentials)}, must be true or false`);
  const isAllowed = originCheck(origin, credentials);
  checkTokens('methods', methods);
  checkTokens('exposedHeaders', exposedHeaders);
  if (allowedHeaders !== undefined) checkTokens('allowedHeaders', allowedHeaders);
  const maxAge = options.maxAge === undefined ? undefined : integerOption('maxAge', options.maxAge, 0, 0, Number.MAX_SAFE_INTEGER);
  const isForAll = origin === '*';
  const vary = isForAll ? [] : ['origin'];

  /** `undefined` for a page that may read nothing. */
  const sharing = (request: HttpRequest): Record<string, string> | undefined => {
    const from = request.headers['origin'];
    if (from === undefined || !isAllowed(from, request)) return undefined;
    return {
      'access-control-allow-origin': isForAll ? '*' : from,
      ...(credentials ? { 'access-control-allow-credentials': 'true' } : {}),
    };
  };

  const preflight = (request: HttpRequest): Record<string, string | number | undefined> => {
    const shared = sharing(request);
    if (shared === undefined) return {};
    const asked = request.headers['access-control-request-headers'];
    return {
      ...shared,
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': allowedHeaders?.join(', ') ?? (asked !== undefined && areTokens(asked) ? asked : undefined),
      'access-control-max-age': maxAge,
    };
  };

  return function cors(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      if (
        request.method === 'OPTIONS' &&
        request.headers['access-control-request-method'] !== undefined &&
        request.headers['origin'] !== undefined
      ) {
        const answer = withFields({ status: 204, body: null }, preflight(request));
        return { answer: withVary(answer, ...PREFLIGHT_FIELDS.slice(isForAll ? 1 : 0)) };
      }
      const shared = sharing(request);
      const fields =
        shared === undefined || exposedHeaders.length === 0
          ? shared
          : { ...shared, 'access-control-expose-headers': exposedHeaders.join(', ') };
      if (fields === undefined && isForAll) return {};
      return {
        response: (response) => withVary(fields === undefined ? response : withFields(response, fields), ...vary),
        faultFields: () => ({ ...fields, ...(isForAll ? {} : { vary: 'origin' }) }),
      };
    });
  };
};

const originCheck = (origin: CorsOrigin, credentials: boolean): ((origin: string, request: HttpRequest) => boolean) => {
  if (origin === '*') {
    if (credentials)
      throw new OptionError(
        'credentials',
        "is true, must be false for the origin '*': name the origins that may read what a cookie protects",
      );
    return () => true;
  }
  if (typeof origin === 'function') return origin;
  const patterns: readonly (string | RegExp)[] = typeof origin === 'string' || origin instanceof RegExp ? [origin] : origin;
  if (!Array.isArray(patterns) || patterns.length === 0)
    throw new OptionError('origin', `is ${messageOf(origin)}, must be '*', an origin, a RegExp, a list or a function`);
  for (const pattern of patterns) {
    if (pattern instanceof RegExp) continue;
    if (pattern === '*') throw new OptionError('origin', "has '*' in a list: it stands alone");
    if (pattern === 'null') {
      if (credentials) throw new OptionError('origin', 'is null, which any sandboxed page has: not with credentials');
    } else if (typeof pattern !== 'string' || !URL.canParse(pattern) || new URL(pattern).origin !== pattern) {
      throw new OptionError('origin', `has ${JSON.stringify(pattern)}, must be like https://a.example`);
    }
  }
  const names = new Set(patterns.filter((pattern) => typeof pattern === 'string'));
  const expressions = patterns.filter((pattern) => pattern instanceof RegExp).map(wholeOf);
  return (from) => {
    if (names.has(from)) return true;
    if (credentials && from === 'null') return false; // any sandboxed page has it, and no pattern was written for it
    return expressions.some((expression) => expression.test(from));
  };
};

/** `/a\.example/` must not match `https://a.example.evil.example`. */
const wholeOf = (pattern: RegExp): RegExp => new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));

const checkTokens = (option: string, tokens: readonly string[]): void => {
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string' && isToken(token))) {
    throw new OptionError(option, `is ${JSON.stringify(tokens)}, must be a list of names`);
  }
};

const areTokens = (list: string): boolean => list.split(',').every((name) => isToken(name.trim()));
