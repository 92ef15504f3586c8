/** Limits at their defaults: 8,192 bytes of a line, 100 fields, 65,536 bytes of a head. */
import { accepted, bare, chunked, get, line, refused, refusedInBody, type WireCase } from './case.js';

const MAX_LINE = 8_192;
const MAX_FIELDS = 100;
const MAX_HEAD = 65_536;

const longLine = refused(414, 'RFC 9110 §15.5.15');
const manyFields = refused(431, 'RFC 6585 §5');
const largeHead = refused(431, 'RFC 6585 §5');
/** Nothing follows: a line or a section that goes on and on is refused at the limit, not at its end. */
const endless = (wireCase: WireCase): WireCase => ({ ...wireCase, isOpenEnded: true });
const ok = accepted('within the limits');

const requestLine = (length: number): string => `GET /${'a'.repeat(length - 'GET / HTTP/1.1'.length)} HTTP/1.1`;
const fieldLine = (length: number): string => `A: ${'b'.repeat(length - 3)}`;
const fields = (count: number): string => Array.from({ length: count }, (_, index) => `F${index}: v`).join('\r\n');
/** A head of `length` bytes with its last CRLF, all of its lines legal. */
const head = (length: number): string => {
  const start = 'GET / HTTP/1.1\r\nHost: x\r\n';
  let text = start;
  while (text.length < length - 2) {
    const rest = length - 2 - text.length;
    const size = rest <= 4_096 ? rest : Math.min(4_000, rest - 100);
    text += `${fieldLine(size - 2)}\r\n`;
  }
  return `${text}\r\n`;
};

export const limits: readonly WireCase[] = [
  ok('a request line as long as allowed', line(requestLine(MAX_LINE)), { method: 'GET' }),
  longLine('a request line one byte too long', line(requestLine(MAX_LINE + 1))),
  longLine('a request line of 64 KiB', line(requestLine(65_536))),
  endless(longLine('a request line without an end', `GET /${'a'.repeat(20_000)}`)),
  endless(longLine('a method without an end', 'A'.repeat(20_000))),
  ok('a field line as long as allowed', get(fieldLine(MAX_LINE)), { headers: { a: 'b'.repeat(MAX_LINE - 3) } }),
  longLine('a field line one byte too long', get(fieldLine(MAX_LINE + 1))),
  endless(longLine('a field line without an end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(20_000)}`)),
  endless(longLine('a field name without an end', `GET / HTTP/1.1\r\nHost: x\r\n${'a'.repeat(20_000)}`)),
  longLine('white space before a value counts', get(`A:${' '.repeat(MAX_LINE)}b`)),
  longLine('white space behind a value counts', get(`A: b${'\t'.repeat(MAX_LINE)}`)),
  longLine('Host too long', bare(`Host: ${'x'.repeat(MAX_LINE)}`)),
  ok('as many fields as allowed', get(fields(MAX_FIELDS - 1)), { headers: { f0: 'v', [`f${MAX_FIELDS - 2}`]: 'v' } }),
  manyFields('one field too many', get(fields(MAX_FIELDS))),
  manyFields('five hundred fields', get(fields(500))),
  manyFields('one name too often', get(Array.from({ length: MAX_FIELDS }, () => 'A: b').join('\r\n'))),
  ok('a head as large as allowed', head(MAX_HEAD), { method: 'GET' }),
  largeHead('a head one byte too large', head(MAX_HEAD + 1)),
  largeHead('a head of 100 KiB', head(102_400)),
  largeHead('empty lines before the request line count', `${'\r\n'.repeat(MAX_HEAD / 2)}${line('GET / HTTP/1.1')}`),
  ok('a thousand empty lines before the request line', `${'\r\n'.repeat(1_000)}${line('GET /a HTTP/1.1')}`, { uri: '/a' }),
  ok(
    'as many fields and trailers as allowed',
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${fields(MAX_FIELDS - 2)}\r\n\r\n`,
    { body: '' },
  ),
  refusedInBody(431, 'RFC 6585 §5')(
    'one trailer too many',
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${fields(MAX_FIELDS - 1)}\r\n\r\n`,
  ),
  refusedInBody(431, 'RFC 6585 §5')(
    'headers and trailers share one count',
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${fields(60)}\r\n\r\n0\r\n${fields(60)}\r\n\r\n`,
  ),
  refusedInBody(431, 'RFC 6585 §5')(
    'headers and trailers share one size',
    `${head(MAX_HEAD - 5_000).slice(0, -2)}Transfer-Encoding: chunked\r\n\r\n0\r\n${fieldLine(6_000)}\r\n\r\n`,
  ),
  refusedInBody([414, 431], 'RFC 6585 §5')('a trailer line too long', chunked(`0\r\n${fieldLine(MAX_LINE + 1)}\r\n\r\n`)),
  endless(refusedInBody([414, 431], 'RFC 6585 §5')('a trailer line without an end', chunked(`0\r\nA: ${'b'.repeat(20_000)}`))),
  ok('16 KiB of extensions less a little', chunked(`${`1;${'e'.repeat(100)}\r\na\r\n`.repeat(150)}0\r\n\r\n`), { body: 'a'.repeat(150) }),
  refusedInBody(400, 'RFC 9112 §7.1.1')(
    'extensions of more than 16 KiB in all',
    chunked(`${`1;${'e'.repeat(200)}\r\na\r\n`.repeat(150)}0\r\n\r\n`),
  ),
  refusedInBody(400, 'RFC 9112 §7.1.1')(
    'leading zeros of more than 16 KiB in all',
    chunked(`${`${'0'.repeat(200)}1\r\na\r\n`.repeat(150)}0\r\n\r\n`),
  ),
  refusedInBody(400, 'RFC 9112 §7.1.1')('one extension of 32 KiB', chunked(`1;${'e'.repeat(32_768)}\r\na\r\n0\r\n\r\n`)),
  refusedInBody(400, 'RFC 9112 §7.1.1')('one size with 32 KiB of zeros', chunked(`${'0'.repeat(32_768)}1\r\na\r\n0\r\n\r\n`)),
  endless(refusedInBody(400, 'RFC 9112 §7.1.1')('an extension without an end', chunked(`1;${'e'.repeat(65_536)}`))),
];
