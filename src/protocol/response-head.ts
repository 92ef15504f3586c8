/**
 * Response heads: what a handler says of its reply, checked, and the lines that go out, RFC 9110 §5, §15; RFC 9112 §4, §6.
 *
 * Owns: which fields may leave, status lines. Leaves: which framing a reply gets to `transport/reply-writer.ts`, the only
 * place that adds framing fields.
 */
import { STATUS_CODES } from 'node:http';
import { HandlerError } from '../errors.js';
import { isFieldValue, isToken } from './grammar.js';

/** A list gives one field line for each member, as `set-cookie` needs it; `undefined` gives none. */
export type HeaderValue = string | number | readonly string[] | undefined;

/** Names in any case. A WHATWG `Headers` or a `Map` will do as well. */
export type ResponseHeaders = Readonly<Record<string, HeaderValue>> | Iterable<readonly [string, HeaderValue]>;

/** Fields that the server looks at before it lets them leave, or does not let leave at all. */
const Kind = { PLAIN: 0, CONTENT_LENGTH: 1, FRAMING: 2, CONTENT_TYPE: 3, DATE: 4, SERVER: 5, CONNECTION: 6, UPGRADE: 7 } as const;

const KINDS = new Map<string, number>([
  ['content-length', Kind.CONTENT_LENGTH],
  ['transfer-encoding', Kind.FRAMING],
  ['keep-alive', Kind.FRAMING],
  ['trailer', Kind.FRAMING],
  ['sec-websocket-accept', Kind.FRAMING],
  ['sec-websocket-protocol', Kind.FRAMING],
  ['sec-websocket-extensions', Kind.FRAMING],
  ['content-type', Kind.CONTENT_TYPE],
  ['date', Kind.DATE],
  ['server', Kind.SERVER],
  ['connection', Kind.CONNECTION],
  ['upgrade', Kind.UPGRADE],
]);

/** What is known of a name as handlers write it, and the last line that was made with it: most handlers repeat themselves. */
class KnownName {
  readonly kind: number;
  value: string | undefined;
  line: string;
  /** The line has been asked for twice, and is one piece since. */
  isFlat: boolean;

  constructor(kind: number) {
    this.kind = kind;
    this.value = undefined;
    this.line = '';
    this.isFlat = false;
  }
}

/** Bounded: names made up at run time must not fill the memory, and neither must long values. */
const knownNames = new Map<string, KnownName>();
const MAX_KNOWN_NAMES = 1_024;
const MAX_KEPT_VALUE = 256;

/** The fields of one reply, checked. */
export class ResponseFields {
  /** The lines that leave as they are, each with its CRLF. */
  lines: string;
  /** What the handler announced, or -1. */
  contentLength: number;
  hasContentType: boolean;
  hasDate: boolean;
  hasServer: boolean;
  asksClose: boolean;
  /** The `upgrade` lines, which need a connection option beside them, RFC 9110 §7.8, and are the server's own in a 101. */
  upgradeLine: string;

  /** @throws {@link HandlerError} `RHK_BAD_HEADER` for a name that is no token, or a value that cannot leave unchanged. */
  constructor(headers: ResponseHeaders | undefined) {
    this.lines = '';
    this.contentLength = -1;
    this.hasContentType = false;
    this.hasDate = false;
    this.hasServer = false;
    this.asksClose = false;
    this.upgradeLine = '';
    if (headers === undefined || headers === null) return;
    if (typeof headers !== 'object') throw badHeader(`headers are a ${typeof headers}, not an object`);
    if (isIterable(headers)) {
      for (const entry of headers) this.add(entry[0], entry[1]);
    } else {
      for (const name of Object.keys(headers)) this.add(name, headers[name]);
    }
  }

  private add(name: string, value: HeaderValue): void {
    if (value === undefined || value === null) return;
    if (Array.isArray(value)) {
      for (const member of value) this.add(name, member);
      return;
    }
    const known = knownNames.get(name) ?? learnName(name);
    const text = typeof value === 'string' ? value : textFrom(name, value);
    if (text !== known.value) learnLine(known, name, text);
    else if (!known.isFlat) flatten(known);
    switch (known.kind) {
      case Kind.CONTENT_LENGTH:
        this.contentLength = lengthFrom(text);
        return;
      case Kind.FRAMING:
        return; // the server's own
      case Kind.CONNECTION:
        this.asksClose ||= /(?:^|[ \t,])close(?:$|[ \t,])/i.test(text);
        return;
      case Kind.UPGRADE:
        this.upgradeLine += known.line;
        return;
      case Kind.CONTENT_TYPE:
        this.hasContentType = true;
        break;
      case Kind.DATE:
        this.hasDate = true;
        break;
      case Kind.SERVER:
        this.hasServer = true;
    }
    this.lines += known.line;
  }
}

const isIterable = (headers: ResponseHeaders): headers is Iterable<readonly [string, HeaderValue]> =>
  typeof (headers as Iterable<unknown>)[Symbol.iterator] === 'function'; // probing, not claiming

const learnName = (name: unknown): KnownName => {
  if (typeof name !== 'string' || !isToken(name)) throw badHeader(`name ${JSON.stringify(String(name))} is not a token`);
  const known = new KnownName(KINDS.get(name.toLowerCase()) ?? Kind.PLAIN);
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, known);
  return known;
};

const learnLine = (known: KnownName, name: string, text: string): void => {
  if (!isFieldValue(text)) {
    throw badHeader(`value of ${name} has a character that no field may carry (control, or above U+00FF)`);
  }
  known.value = text.length <= MAX_KEPT_VALUE ? text : undefined;
  known.line = `${name}: ${text}\r\n`;
  known.isFlat = false;
};

const flatten = (known: KnownName): void => {
  known.line = flat(known.line);
  known.isFlat = true;
};

/** The same text as one piece: what is written often should not be put together each time it is written. */
export const flat = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('latin1');

const textFrom = (name: string, value: unknown): string => {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw badHeader(`value of ${name} is ${typeof value === 'number' ? String(value) : `a ${typeof value}`}, not a string`);
};

const lengthFrom = (text: string): number => {
  const length = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(length)) throw badHeader(`content-length is ${JSON.stringify(text)}, not a number of octets`);
  return length;
};

const badHeader = (message: string): HandlerError => new HandlerError('RHK_BAD_HEADER', message);

const statusLines: string[] = [];

/**
 * `HTTP/1.1 200 OK` with its CRLF; a status without a registered phrase has none, RFC 9112 §4.
 *
 * @throws {@link HandlerError} `RHK_BAD_STATUS` unless `status` is an integer from 200 to 599.
 */
export const statusLine = (status: number): string =>
  (typeof status === 'number' ? statusLines[status] : undefined) ?? makeStatusLine(status); // `'204'` would be found as well

const makeStatusLine = (status: number): string => {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new HandlerError(
      'RHK_BAD_STATUS',
      `status of a reply is ${typeof status === 'string' ? JSON.stringify(status) : String(status)}, must be an integer from 200 to 599`,
    );
  }
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  statusLines[status] = line;
  return line;
};

/** `content-length` with its CRLF. */
export const lengthLine = (octets: number): string =>
  octets < MAX_KEPT_LENGTH ? (lengthLines[octets] ??= flat(`content-length: ${octets}\r\n`)) : `content-length: ${octets}\r\n`;

const MAX_KEPT_LENGTH = 4_096;
const lengthLines: string[] = [];

/** Statuses whose responses never have content, RFC 9110 §6.4.1. */
export const isBodilessStatus = (status: number): boolean => status === 204 || status === 304;

/** `size CRLF`, RFC 9112 §7.1. */
export const chunkSizeLine = (octets: number): string => octets.toString(16) + '\r\n';

export const LAST_CHUNK = '0\r\n\r\n';
export const CONTINUE_HEAD = 'HTTP/1.1 100 Continue\r\n\r\n';
