/** Who somebody is: logging in and out, and what only they may ask who have. */
import { randomBytes, randomUUID, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { concatMap, filter, map, type Observable, type OperatorFunction, pipe, Subject } from 'rxjs';
import { extend, type Handler, HttpError, type HttpRequest, json, redirect, type Reply } from 'rx-http-kit';
import { antiForgeryToken, flash, params, regenerate, session } from 'rx-http-kit/middleware';

interface Session {
  readonly user: string;
  /** Which log-in this is: what is still being sent ends with it. */
  readonly login: string;
}

/** Log-ins that end. Of this process: several would tell each other by a topic. */
const loggedOut$ = new Subject<string>();

/** A request of somebody who has logged in. */
export interface SignedInRequest extends HttpRequest {
  readonly user: string;
  /** Emits when its user logs out, here or in another window. */
  readonly loggedOut$: Observable<unknown>;
}

/** A 401 for those who have not logged in; `user` on the requests of all others. */
export const signedIn = (handler: OperatorFunction<SignedInRequest, Reply>): Handler =>
  pipe(
    session<Session>(),
    map((request) => {
      const { user, login } = request.session;
      if (user === undefined || login === undefined) throw new HttpError(401, 'log in first');
      return extend(request, { user, loggedOut$: loggedOut$.pipe(filter((ended) => ended === login)) });
    }),
    handler,
  );

/** The page asks this first: who it is for, its token, and what is to be said once. */
export const whoAmI: Handler = pipe(
  session<Session>(),
  flash(),
  map((request) => {
    const answer = { user: request.session.user, token: antiForgeryToken(request), said: request.flash };
    return json(answer, { headers: { 'cache-control': 'no-store' } });
  }),
);

export const login: Handler = pipe(
  params(),
  concatMap(async ({ formParams }) => {
    const user = String(formParams['user']);
    const fits = await passwordFits(user, String(formParams['password']));
    // a new session for a new user: a key that somebody planted before is worth nothing
    return {
      ...redirect('/', 303),
      ...(fits ? { session: regenerate({ user, login: randomUUID() }) } : { flash: 'Wrong name or password.' }),
    };
  }),
);

export const logout: Handler = pipe(
  session<Session>(),
  map(({ session: { login } }) => {
    if (login !== undefined) loggedOut$.next(login);
    return { ...redirect('/', 303), session: null };
  }),
);

// ── passwords ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Account {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const accountWith = (password: string): Account => {
  const salt = randomBytes(16);
  return { salt, hash: scryptSync(password, salt, 32) };
};

/** A real application has the hashes only, in a database. */
const accounts = new Map([
  ['ada', accountWith('lovelace')],
  ['ben', accountWith('franklin')],
]);
const nobody = accountWith(randomBytes(16).toString('hex'));
const hashOf = promisify<string, Buffer, number, Buffer>(scrypt);

/** Takes as long for a name that nobody has. */
const passwordFits = async (user: string, password: string): Promise<boolean> => {
  const { salt, hash } = accounts.get(user) ?? nobody;
  return timingSafeEqual(await hashOf(password, salt, 32), hash);
};
