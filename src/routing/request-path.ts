/** Paths in one spelling, so that they can be compared as text: RFC 3986 §6.2.2. */
import { ProtocolError } from '../errors.js';
import { isDotSegment } from './path-pattern.js';
import { spellingOf } from './spelling.js';

/**
 * A request's path in which only unreserved characters and the slashes between segments stand for themselves, and all else is
 * percent-encoded, in upper case.
 *
 * @param path - Percent-encoded as sent, beginning with a slash.
 * @throws ProtocolError `RHK_BAD_PATH` (400) for escapes that are no UTF-8 text, for a NUL, and for dot segments: no client
 *   that has read a URL sends them (WHATWG URL §4.4), and they would climb in a file system.
 */
export const requestPathFrom = (path: string): string => {
  let before = 0;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (PLAIN[code] !== 1 || (code === DOT && before === SLASH)) return spell(path);
    before = code;
  }
  return path;
};

const DOT = 0x2e;
const SLASH = 0x2f;

/** Spelt in one way only, and no sign of anything else. */
const PLAIN: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/') table[character.charCodeAt(0)] = 1;
  return table;
})();

const spell = (path: string): string => {
  const segments = path.slice(1).split('/').map(decode);
  if (segments.some(isDotSegment)) throw new ProtocolError('RHK_BAD_PATH');
  return segments.map((segment) => `/${spellingOf(segment)}`).join('');
};

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
