/** Basic authentication, RFC 7617. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { defaultIfEmpty, defer, from, isObservable, map, type Observable, type ObservableInput, of, take } from 'rxjs';
import { HttpError, OptionError } from '../errors.js';
import { isFieldValue } from '../protocol/grammar.js';
import type { Handler } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';

/** Options of {@link basicAuth}; exactly one of `users` and `authenticate`. */
export interface BasicAuthOptions {
  /** Names → passwords. */
  readonly users?: Readonly<Record<string, string>> | undefined;
  /** Who it is: anything but `false`, `null` and `undefined` is let in, and is what the handler sees. */
  readonly authenticate?: ((name: string, password: string, request: HttpRequest) => unknown) | undefined;
  /** What a browser shows when it asks. Default `restricted area`. */
  readonly realm?: string | undefined;
}

/** What {@link basicAuth} adds. */
export interface BasicAuthFields {
  /** What `authenticate` gave; of `users` the name. */
  readonly basicAuthentication: unknown;
}

/**
 * Lets in who has a name and a password, and says who it is in `basicAuthentication`; others get 401 with `www-authenticate`.
 *
 * Names and passwords are UTF-8. With `users`, comparing takes as long for a wrong name as for a wrong password. Passwords travel
 * readable: use it over https only.
 */
export const basicAuth = (options: BasicAuthOptions): RequestMiddleware<BasicAuthFields> => {
  const { authenticate, challenge } = checked(options);

  /** `undefined` for nobody. */
  const whoIs = (request: HttpRequest): unknown => {
    const credentials = credentialsOf(request.headers['authorization']);
    return credentials === undefined ? undefined : authenticate(credentials.name, credentials.password, request);
  };
  const later = (answer: unknown): Observable<unknown> | undefined =>
    isObservable(answer) || isThenable(answer)
      ? defer(() => from(answer as ObservableInput<unknown>)).pipe(take(1), defaultIfEmpty(undefined))
      : undefined; // told apart just now

  return requestMiddleware(
    'basicAuthentication',
    function basicAuth(handler: Handler): Handler {
      return passThrough(handler, (request) => {
        const enter = (who: unknown) =>
          isNobody(who)
            ? { answer: { status: 401, headers: { 'www-authenticate': challenge }, body: 'unauthorized' } }
            : { request: extend(request, { basicAuthentication: who }) };
        const who = whoIs(request);
        return later(who)?.pipe(map(enter)) ?? enter(who);
      });
    },
    (request) => {
      const add = (who: unknown): BasicAuthFields => {
        if (isNobody(who)) throw new HttpError(401, 'unauthorized', { headers: { 'www-authenticate': challenge } });
        return { basicAuthentication: who };
      };
      const who = whoIs(request);
      return (later(who) ?? of(who)).pipe(map(add));
    },
  );
};

const isNobody = (who: unknown): boolean => who === undefined || who === null || who === false;

const isThenable = (value: unknown): boolean => typeof value === 'object' && value !== null && 'then' in value;

/** RFC 7617 §2: the first colon ends the name; control characters stand in neither. */
const credentialsOf = (field: string | undefined): { name: string; password: string } | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(field ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const octets = Buffer.from(encoded, 'base64');
  const text = isUtf8(octets) ? octets.toString() : octets.toString('latin1');
  const colon = text.indexOf(':');
  if (colon < 0 || /[\x00-\x1f\x7f]/.test(text)) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
};

/** Hashed, so that lengths do not show either. */
const isSameText = (a: string, b: string): boolean => timingSafeEqual(hashOf(a), hashOf(b));
const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const checked = (
  options: BasicAuthOptions,
): { readonly authenticate: NonNullable<BasicAuthOptions['authenticate']>; readonly challenge: string } => {
  knownOptions(options, ['users', 'authenticate', 'realm']);
  const { users, authenticate, realm = 'restricted area' } = options;
  if (typeof realm !== 'string' || !isFieldValue(realm))
    throw new OptionError('realm', `is ${JSON.stringify(realm)}, must be text that a field can carry`);
  const challenge = `Basic realm="${realm.replace(/["\\]/g, '\\$&')}", charset="UTF-8"`;
  if ((users === undefined) === (authenticate === undefined))
    throw new OptionError('users', 'or authenticate must be given, one of the two');
  if (authenticate !== undefined) {
    if (typeof authenticate !== 'function') throw new OptionError('authenticate', `is a ${typeof authenticate}, must be a function`);
    return { authenticate, challenge };
  }
  const passwords = new Map(Object.entries(users ?? {}));
  for (const [name, password] of passwords) {
    if (name.includes(':') || typeof password !== 'string')
      throw new OptionError('users', `has ${JSON.stringify(name)}, must be names without a colon and passwords`);
  }
  return {
    authenticate: (name, password) => {
      const isRight = isSameText(passwords.get(name) ?? '', password); // also for a name that nobody has
      return isRight && passwords.has(name) ? name : undefined;
    },
    challenge,
  };
};
