/** Who somebody is: logging in and out, and what only they may ask who have. */
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { concatMap, map, type OperatorFunction, pipe } from 'rxjs';
import { extend, type Handler, HttpError, type HttpRequest, json, redirect, type Reply } from 'rx-http-kit';
import { antiForgeryToken, flash, params, regenerate, session } from 'rx-http-kit/middleware';

interface Session {
  readonly user: string;
}

/** A request of somebody who has logged in. */
export interface SignedInRequest extends HttpRequest {
  readonly user: string;
}

/** A 401 for those who have not logged in; `user` on the requests of all others. */
export const signedIn = (handler: OperatorFunction<SignedInRequest, Reply>): Handler =>
  pipe(
    session<Session>(),
    map((request) => {
      const { user } = request.session;
      if (user === undefined) throw new HttpError(401, 'log in first');
      return extend(request, { user });
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
    return { ...redirect('/', 303), ...(fits ? { session: regenerate({ user }) } : { flash: 'Wrong name or password.' }) };
  }),
);

export const logout: Handler = map(() => ({ ...redirect('/', 303), session: null }));

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
