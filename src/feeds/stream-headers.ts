/** Header fields of what is pushed over HTTP. */
import { NEVER, type Observable } from 'rxjs';
import { ResponseFields, type ResponseHeaders } from '../protocol/response-head.js';

/**
 * `no-store`: what was said live is no use to a cache. `no-transform`: whoever compresses on the way would hold events back until
 * its window is full, RFC 9110 §7.7. `x-accel-buffering`: nginx, and those who do as it does, pass on what comes as it comes.
 */
const PUSH_FIELDS: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store, no-transform'],
  ['x-accel-buffering', 'no'],
];

/** @param given - Go before ours. @throws {@link HandlerError} `RHK_BAD_HEADER` */
export const pushHeaders = (contentType: string, given: ResponseHeaders | undefined): ResponseHeaders => {
  new ResponseFields(given); // a header that cannot leave is the caller's error, not the first client's
  const entries = given === undefined ? [] : Symbol.iterator in given ? [...given] : Object.entries(given);
  const names = new Set(entries.map(([name]) => String(name).toLowerCase()));
  const ours = [['content-type', contentType] as const, ...PUSH_FIELDS].filter(([name]) => !names.has(name));
  return [...ours, ...entries] as ResponseHeaders; // of two kinds of entries
};

/** For HEAD, RFC 9110 §8.6: a stream that is not told of, and not an empty body, whose length would be said. */
export const UNTOLD: Observable<never> = NEVER;
