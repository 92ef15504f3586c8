/** Sessions in the memory of this process. */
import { randomBytes } from 'node:crypto';
import { asyncScheduler, of } from 'rxjs';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { SessionData, SessionStore } from './session-store.js';

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Sessions kept; past it the one that was used the longest ago is forgotten. Default 10 000. */
  readonly maxSessions?: number | undefined;
}

interface Kept {
  readonly data: SessionData;
  readonly expiresAt: number;
}

/**
 * Keeps sessions in memory: gone with the process, not shared with another. Data is copied in and out, by structured clone.
 */
export const memoryStore = (options: MemoryStoreOptions = {}): SessionStore => {
  knownOptions(options, ['maxSessions']);
  const maxSessions = integerOption('maxSessions', options.maxSessions, 10_000, 1, Infinity);
  /** The one that was used the longest ago comes first. */
  const sessions = new Map<string, Kept>();
  const living = (key: string): Kept | undefined => {
    const kept = sessions.get(key);
    if (kept === undefined || kept.expiresAt > asyncScheduler.now()) return kept;
    sessions.delete(key);
    return undefined;
  };
  return {
    read: (key) => {
      const kept = living(key);
      if (kept === undefined) return of(undefined);
      sessions.delete(key);
      sessions.set(key, kept);
      return of(structuredClone(kept.data));
    },
    write: (given, data, ttlMs) => {
      if (given !== undefined && living(given) === undefined) return of(undefined);
      const key = given ?? randomBytes(32).toString('base64url');
      sessions.delete(key);
      sessions.set(key, { data: structuredClone(data), expiresAt: asyncScheduler.now() + ttlMs });
      if (sessions.size > maxSessions) sessions.delete(sessions.keys().next().value as string); // not empty
      return of(key);
    },
    delete: (key) => of(sessions.delete(key)),
  };
};
