/** Query strings as names and values. */
import { ProtocolError } from '../errors.js';

/** Names → decoded values; a name that stands more than once has a list. Null prototype. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Past it 400: `a&a&a…` must not make more objects than a request is worth. */
const MAX_PAIRS = 1_000;

/**
 * `application/x-www-form-urlencoded` as browsers write it, WHATWG URL §5.1: a `+` is a space. Stricter in one thing: escapes
 * that are no UTF-8 text are refused, not replaced.
 *
 * @throws ProtocolError `RHK_BAD_QUERY` (400), also for more than 1 000 pairs.
 */
export const queryFrom = (queryString: string | undefined): Query => {
  const query = Object.create(null) as Record<string, string | string[]>; // Object.create is typed any
  if (queryString === undefined || queryString === '') return query;
  let pairs = 0;
  let start = 0;
  while (start <= queryString.length) {
    const ampersand = queryString.indexOf('&', start);
    const end = ampersand < 0 ? queryString.length : ampersand;
    if (end > start) {
      if (++pairs > MAX_PAIRS) throw new ProtocolError('RHK_BAD_QUERY', `the query has more than ${MAX_PAIRS} pairs`);
      addPair(query, queryString.slice(start, end));
    }
    start = end + 1;
  }
  return query;
};

const addPair = (query: Record<string, string | string[]>, pair: string): void => {
  const equals = pair.indexOf('=');
  const name = decode(equals < 0 ? pair : pair.slice(0, equals));
  const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
  const before = query[name];
  if (before === undefined) query[name] = value;
  else if (typeof before === 'string') query[name] = [before, value];
  else before.push(value);
};

const decode = (text: string): string => {
  if (!ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new ProtocolError('RHK_BAD_QUERY');
  }
};

const ENCODED = /[%+]/;
