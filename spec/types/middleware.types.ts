/** What the compiler must accept and refuse of middleware; compiling this file is the test. */
import { map, pipe, type Observable } from 'rxjs';
import type { Handler, HttpRequest, Middleware } from 'rx-http-kit';
import {
  apiDefaults,
  basicAuth,
  compose,
  cookies,
  type CookiesResponse,
  cors,
  type Defaults,
  defaults,
  flash,
  multipartParams,
  nestedParams,
  params,
  requestId,
  session,
  type SessionResponse,
} from 'rx-http-kit/middleware';
import type { Equal, Expect } from '../support/type-equality.js';

interface Visit {
  user: string;
  visits: number;
}

// an operator adds typed fields, one after the other
export const typed: Handler = pipe(
  cookies(),
  session<Visit>(),
  map(({ cookies: sent, session: kept, uri }) => `${sent['theme']} ${kept.user} ${kept.visits?.toFixed()} ${uri}`),
);
declare const requests$: Observable<HttpRequest>;
export const chained: Observable<string> = requests$.pipe(
  requestId(),
  params(),
  nestedParams(),
  multipartParams(),
  flash(),
  basicAuth({ users: {} }),
  map((request) => `${request.requestId} ${String(request.params['a'])} ${String(request.flash)} ${String(request.basicAuthentication)}`),
);

// and is middleware where it is given a handler
export const wrapped: Handler = session()(typed);
export const composed: Middleware = compose(cookies(), session<Visit>(), cors(), defaults(apiDefaults));
export type ComposeMakesMiddleware = Expect<Equal<ReturnType<typeof compose>, Middleware>>;

export const keeps: Handler = map((): SessionResponse<Visit> => ({ body: 'x', session: { user: 'ann', visits: 1 } }));
export const ends: Handler = map((): SessionResponse<Visit> => ({ body: 'x', session: null }));
export const sets: Handler = map((): CookiesResponse => ({ body: 'x', cookies: { a: '1', b: { value: '2', signed: true }, c: null } }));

export const misspelt: Handler = pipe(
  session<Visit>(),
  // @ts-expect-error there is no such field of the session
  map((request) => request.session.usr),
);
export const missing: Handler = pipe(
  cookies(),
  // @ts-expect-error nobody has added a session
  map((request) => request.session),
);
// @ts-expect-error visits is a number
export const wrongData: SessionResponse<Visit> = { session: { user: 'ann', visits: '1' } };
// @ts-expect-error a cookie is text
export const wrongCookie: CookiesResponse = { cookies: { a: 1 } };
// @ts-expect-error there is no such option
export const wrongOption = () => cors({ origins: '*' });
// @ts-expect-error there is no such group
export const wrongPreset: Defaults = { secure: true };
// @ts-expect-error a handler is not given to compose
export const wrongCompose: Handler = compose(typed);
// @ts-expect-error a string is neither a handler nor a stream of requests
export const wrongTarget = () => cookies()('x');
