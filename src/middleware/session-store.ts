/** Where sessions are kept. */
import type { ObservableInput } from 'rxjs';

/** What is remembered of a client. */
export type SessionData = Readonly<Record<string, unknown>>;

/** Anything that keeps sessions: in memory, in the cookie itself, in a database. */
export interface SessionStore {
  /** @returns `undefined` for a key that is not known, or was. Any client can send any key. */
  read(key: string): ObservableInput<SessionData | undefined>;
  /**
   * @param key - `undefined` for a session that is new: it gets a key that cannot be guessed.
   * @param ttlMs - Milliseconds after which it may be forgotten.
   * @returns The key from now on; `undefined` where `key` is not known any more, and nothing was written: a session that was ended while
   *   this reply was made must not come back.
   */
  write(key: string | undefined, data: SessionData, ttlMs: number): ObservableInput<string | undefined>;
  delete(key: string): ObservableInput<unknown>;
}

const regenerated = new WeakSet<object>();

/**
 * The same session under a new key: what a reply says when a user logs in, so that a key which somebody else has planted before is
 * worth nothing.
 *
 * @example `map(() => ({ status: 303, headers: { location: '/' }, session: regenerate({ user: 'ann' }) }))`
 */
export const regenerate = <Data extends object>(data: Data): Data => {
  const marked = { ...data };
  regenerated.add(marked);
  return marked;
};

export const isRegenerated = (data: object): boolean => regenerated.has(data);

/** More data, and the same key or a new one as before. */
export const withSessionData = (data: SessionData, changes: SessionData): SessionData => {
  const changed = { ...data, ...changes };
  return isRegenerated(data) ? regenerate(changed) : changed;
};
