/** What is remembered of a client from one request to the next. */
import { concatMap, defaultIfEmpty, defer, from, map, type Observable, of, take } from 'rxjs';
import { HandlerError, OptionError } from '../errors.js';
import { isToken } from '../protocol/grammar.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { cookiesOf } from './cookies.js';
import { passThrough } from './map-response.js';
import { memoryStore } from './memory-store.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';
import { withAddedField } from './response-fields.js';
import { isRegenerated, type SessionData, type SessionStore } from './session-store.js';
import { checkCookie, clearCookie, type CookieAttributes, setCookie } from './set-cookie.js';

/** Options of {@link session}. */
export interface SessionOptions {
  /** Default a {@link memoryStore} of its own. */
  readonly store?: SessionStore | undefined;
  /** Default `session`. */
  readonly cookieName?: string | undefined;
  readonly cookieAttrs?: CookieAttributes | undefined;
  /** Milliseconds that a session lives after it was last written. Default 86 400 000, a day. */
  readonly ttlMs?: number | undefined;
  /** Writes a session with each request, so that it lives on while it is used. Default `false`. */
  readonly rolling?: boolean | undefined;
}

/** What {@link session} adds. */
export interface SessionFields<Data extends object = SessionData> {
  /** Empty for a client that has none. */
  readonly session: Readonly<Partial<Data>>;
}

/** A response that changes the session: the whole of it, or `null` to end it. Without the key it stays as it is. */
export interface SessionResponse<Data extends object = SessionData> extends HttpResponse {
  readonly session?: Data | null | undefined;
}

/**
 * Adds `session` to requests, and keeps what replies say: `{ session: { user: 'ann' } }` replaces it, `{ session: null }` ends it, a
 * reply without `session` leaves it, as in Ring.
 *
 * A key that the store does not know is never taken over: its client gets a new one. Whoever logs a user in says
 * `session: regenerate(data)`. The head of a reply that changes the session waits for the store; its errors are a 500. A reply that
 * fails changes nothing. Two requests of a client at a time overwrite each other: the last one stays. Needs the package
 * `cookie`.
 *
 * @example `compose(session<{ user: string }>({ store: cookieStore({ secrets }) }))(handler)`
 */
export const session = <Data extends object = SessionData>(options: SessionOptions = {}): RequestMiddleware<SessionFields<Data>> => {
  const { store, cookieName, cookieAttrs, ttlMs, rolling } = checked(options);

  const load = (request: HttpRequest): Observable<Loaded> => {
    const sent = cookiesOf(request)[cookieName];
    if (sent === undefined || sent === '') return of({ key: undefined, wasSent: sent !== undefined, data: {} });
    return defer(() => store.read(sent)).pipe(
      take(1),
      defaultIfEmpty(undefined),
      map((data) => ({ key: data === undefined ? undefined : sent, wasSent: true, data: data ?? {} })),
    );
  };

  const save = (
    response: SessionResponse,
    request: HttpRequest,
    { key, wasSent, data }: Loaded,
  ): HttpResponse | Observable<HttpResponse> => {
    const { session: changed, ...rest } = response;
    const isUntouched = changed === undefined;
    if (isUntouched && (key === undefined || !rolling)) return 'session' in response ? rest : response;
    if (changed === null) {
      const ended = wasSent ? withAddedField(rest, 'set-cookie', [clearCookie(cookieName, cookieAttrs, request)]) : rest;
      return key === undefined
        ? ended
        : defer(() => store.delete(key)).pipe(
            take(1),
            defaultIfEmpty(undefined),
            map(() => ended),
          );
    }
    const kept = changed ?? data;
    if (typeof kept !== 'object') throw new HandlerError('RHK_BAD_REPLY', `session is a ${typeof kept}, not an object or null`);
    const isNew = key !== undefined && isRegenerated(kept);
    const removed$ = isNew ? from(store.delete(key)).pipe(take(1), defaultIfEmpty(undefined)) : of(undefined);
    return removed$.pipe(
      concatMap(() => from(store.write(isNew ? undefined : key, kept, ttlMs)).pipe(take(1), defaultIfEmpty(undefined))),
      map((written) => {
        if (written === undefined) return rest; // ended meanwhile
        if (written === key && !rolling && cookieAttrs.maxAge === undefined) return rest;
        return withAddedField(rest, 'set-cookie', [setCookie(cookieName, written, cookieAttrs, request)]);
      }),
    );
  };

  const fieldsFrom = (data: SessionData): SessionFields<Data> => ({ session: data as Partial<Data> }); // the application's own, as it was written

  return requestMiddleware(
    'session',
    function session(handler: Handler): Handler {
      return passThrough(handler, (request) =>
        load(request).pipe(
          map((loaded) => ({
            request: extend(request, fieldsFrom(loaded.data)),
            response: (response: HttpResponse) => save(response, request, loaded),
          })),
        ),
      );
    },
    (request) => load(request).pipe(map(({ data }) => fieldsFrom(data))),
  );
};

/** The session that middleware around has added; `undefined` where there is none. */
export const sessionOf = (request: HttpRequest): SessionData | undefined => (request as Partial<SessionFields>).session; // asked, not assumed

interface Loaded {
  /** One that the store knows. */
  readonly key: string | undefined;
  /** The client has sent the cookie, whatever was in it. */
  readonly wasSent: boolean;
  readonly data: SessionData;
}

interface CheckedOptions {
  readonly store: SessionStore;
  readonly cookieName: string;
  readonly cookieAttrs: CookieAttributes;
  readonly ttlMs: number;
  readonly rolling: boolean;
}

const checked = (options: SessionOptions): CheckedOptions => {
  knownOptions(options, ['store', 'cookieName', 'cookieAttrs', 'ttlMs', 'rolling']);
  const { store = memoryStore(), cookieName = 'session', cookieAttrs = {}, rolling = false } = options;
  if (
    typeof store !== 'object' ||
    store === null ||
    !(['read', 'write', 'delete'] as const).every((name) => typeof store[name] === 'function')
  ) {
    throw new OptionError('store', 'must have read, write and delete');
  }
  if (typeof cookieName !== 'string' || !isToken(cookieName))
    throw new OptionError('cookieName', `is ${JSON.stringify(cookieName)}, must be a token`);
  if (typeof rolling !== 'boolean') throw new OptionError('rolling', `is ${String(rolling)}, must be true or false`);
  checkCookie('session', cookieName, cookieAttrs);
  const ttlMs = integerOption('ttlMs', options.ttlMs, 86_400_000, 1, Number.MAX_SAFE_INTEGER);
  return { store, cookieName, cookieAttrs, ttlMs, rolling };
};
