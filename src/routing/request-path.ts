/** A request's path as routes see it: cut at its slashes, each segment decoded once. */
import { ProtocolError } from '../errors.js';
import { isDotSegment } from './path-pattern.js';

export interface RequestPath {
  /** Decoded. `/` is one empty segment. */
  readonly segments: readonly string[];
  /** The same path in one spelling: only unreserved characters stand for themselves, RFC 3986 §6.2.2. */
  readonly spelling: string;
}

/**
 * @param path - Percent-encoded as sent.
 * @throws ProtocolError `RHK_BAD_PATH` (400) for escapes that are no UTF-8 text, for a NUL, and for dot segments: no client
 *   that has read a URL sends them (WHATWG URL §4.4), and they would climb in a file system.
 */
export const requestPathFrom = (path: string): RequestPath => {
  const raw = path.slice(1).split('/');
  if (PLAIN.test(path)) {
    if (path.includes('/.')) refuseDotSegments(raw);
    return { segments: raw, spelling: path };
  }
  const segments = raw.map(decode);
  refuseDotSegments(segments);
  return { segments, spelling: spellingOf(segments) };
};

/** @param segments - Decoded. */
export const spellingOf = (segments: readonly string[]): string => segments.map((segment) => `/${encode(segment)}`).join('');

const PLAIN = /^[\w\-.~/]*$/;

const decode = (segment: string): string => {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw new ProtocolError('RHK_BAD_PATH');
  }
  if (text.includes('\0')) throw new ProtocolError('RHK_BAD_PATH');
  return text;
};

const refuseDotSegments = (segments: readonly string[]): void => {
  if (segments.some(isDotSegment)) throw new ProtocolError('RHK_BAD_PATH');
};

/** `encodeURIComponent` leaves five characters more than RFC 3986 calls unreserved. */
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, escape);

const escape = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
