/**
 * Conditional requests, RFC 9110 §13.
 *
 * Owns: what the conditions of a request say of a representation, and in which order they are asked. Leaves: what is answered.
 */
import type { Fields } from '../../protocol/request-head.js';
import { parseHttpDate } from './http-date.js';

/** What is known of a representation. */
export interface Validators {
  /** As the field carries it, quotes and `W/` included. */
  readonly etag?: string | undefined;
  /** Milliseconds since 1970. */
  readonly lastModifiedMs?: number | undefined;
}

/** `proceed` as if there were no condition; answer `304`; answer `412`. */
export type Precondition = 'proceed' | 'not-modified' | 'failed';

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** The order of RFC 9110 §13.2.2; `if-range` comes later, see {@link isRangeWanted}. */
export const preconditionOf = (method: string, headers: Readonly<Partial<Fields>>, validators: Validators): Precondition => {
  const { etag, lastModifiedMs } = validators;
  const isSafe = method === 'GET' || method === 'HEAD';
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!isAmong(ifMatch, etag, isStrongMatch)) return 'failed';
  } else if (lastModifiedMs !== undefined && seconds(lastModifiedMs) > seconds(parseHttpDate(headers['if-unmodified-since'] ?? ''))) {
    return 'failed'; // false where there is no such date: nothing is greater than NaN
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (!isAmong(ifNoneMatch, etag, isWeakMatch)) return 'proceed';
    return isSafe ? 'not-modified' : 'failed';
  }
  if (!isSafe || lastModifiedMs === undefined) return 'proceed';
  return seconds(lastModifiedMs) <= seconds(parseHttpDate(headers['if-modified-since'] ?? '')) ? 'not-modified' : 'proceed';
};

/**
 * Whether `range` counts, RFC 9110 §13.1.5: without `if-range` it does; with one, only if that is a strong validator and matches.
 *
 * @param nowMs - A date is strong when the file has been at rest for a second, §8.8.2.2.
 */
export const isRangeWanted = (headers: Readonly<Partial<Fields>>, { etag, lastModifiedMs }: Validators, nowMs: number): boolean => {
  const ifRange = headers['if-range'];
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return etag !== undefined && isStrongMatch(ifRange.trim(), etag);
  return lastModifiedMs !== undefined && seconds(parseHttpDate(ifRange)) === seconds(lastModifiedMs) && nowMs - lastModifiedMs >= 1_000;
};

const isAmong = (list: string, etag: string | undefined, matches: (a: string, b: string) => boolean): boolean => {
  if (list.trim() === '*') return true; // there is a representation, or nobody would ask
  return etag !== undefined && (list.match(ENTITY_TAG) ?? []).some((candidate) => matches(candidate, etag));
};

/** RFC 9110 §8.8.3.2. */
const isStrongMatch = (a: string, b: string): boolean => a === b && !a.startsWith('W/');
const isWeakMatch = (a: string, b: string): boolean => a.replace(/^W\//, '') === b.replace(/^W\//, '');

/** Fields know no fractions of a second. */
const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);
