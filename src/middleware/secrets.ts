/** Secrets that values are signed with, and how they are replaced in time. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { OptionError } from '../errors.js';

const MIN_LENGTH = 32;

/**
 * The first secret signs, all of them verify: a new one is put in front, an old one is taken away when what it signed has expired.
 *
 * @throws {@link OptionError} for none, and for one shorter than 32 characters.
 */
export const checkSecrets = (option: string, secrets: readonly string[] | undefined): readonly string[] => {
  if (!Array.isArray(secrets) || secrets.length === 0) throw new OptionError(option, 'must be a list of at least one secret');
  for (const secret of secrets) {
    if (typeof secret !== 'string' || secret.length < MIN_LENGTH) {
      throw new OptionError(option, `has a secret of ${String(secret).length} characters, must be at least ${MIN_LENGTH}`);
    }
  }
  return [...secrets];
};

/** @param purpose - Bound into the signature, so that a value signed for one thing is worth nothing for another. */
export const sign = (value: string, purpose: string, secrets: readonly string[]): string =>
  `${value}.${digest(value, purpose, secrets[0])}`;

/** @returns `undefined` for what none of the secrets has signed. */
export const unsign = (signed: string, purpose: string, secrets: readonly string[]): string | undefined => {
  const dot = signed.lastIndexOf('.');
  if (dot < 0) return undefined;
  const [value, given] = [signed.slice(0, dot), Buffer.from(signed.slice(dot + 1))];
  const isGenuine = secrets.some((secret) => {
    const wanted = Buffer.from(digest(value, purpose, secret));
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
  return isGenuine ? value : undefined;
};

const digest = (value: string, purpose: string, secret: string): string =>
  createHmac('sha256', secret).update(`${purpose.length}:${purpose}=${value}`).digest('base64url');
