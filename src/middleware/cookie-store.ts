/** Sessions in the cookie itself, encrypted. */
import { createHash } from 'node:crypto';
import { HandlerError } from '../errors.js';
import { knownOptions } from '../rx/number-option.js';
import { checkOptionalPackage } from '../rx/optional-package.js';
import { checkSecrets } from './secrets.js';
import type { SessionData, SessionStore } from './session-store.js';

/** Options of {@link cookieStore}. */
export interface CookieStoreOptions {
  /** At least 32 characters each: the first encrypts, all decrypt. */
  readonly secrets: readonly string[];
}

/** Browsers take cookies of 4 096 octets, name and attributes included. */
const MAX_OCTETS = 3_800;

/**
 * Keeps each session at its client, encrypted and signed (iron): nothing to keep here, the same for all processes.
 *
 * What is JSON can be kept, about 2 500 octets of it; past it the reply fails with 500. A session that was deleted or replaced can be
 * sent again by who has kept its cookie, until it expires. Needs the package `iron-webcrypto`.
 */
export const cookieStore = (options: CookieStoreOptions): SessionStore => {
  knownOptions(options, ['secrets']);
  checkOptionalPackage('iron-webcrypto', 'cookieStore');
  const passwords = checkSecrets('secrets', options.secrets).map((secret) => ({ id: idOf(secret), secret }));
  const byId = Object.fromEntries(passwords.map(({ id, secret }) => [id, secret]));
  return {
    read: async (key) => {
      const { defaults, unseal } = await import('iron-webcrypto');
      try {
        return (await unseal(key, byId, defaults)) as SessionData; // nothing else is ever sealed
      } catch {
        return undefined; // expired, or not ours
      }
    },
    write: async (_key, data, ttlMs) => {
      const { defaults, seal } = await import('iron-webcrypto');
      const sealed = await seal(data, passwords[0], { ...defaults, ttl: ttlMs });
      if (sealed.length <= MAX_OCTETS) return sealed;
      throw new HandlerError('RHK_BAD_REPLY', `a session is ${sealed.length} octets, limit ${MAX_OCTETS} of a cookie`);
    },
    delete: async () => {},
  };
};

/** Says which secret it was, and nothing else of it. */
const idOf = (secret: string): string => createHash('sha256').update(`session secret ${secret}`).digest('hex').slice(0, 8);
