/**
 * Request smuggling as it was found in the wild: the published attacks in their own shape. The bytes that follow every
 * case contain `GET /smuggled`, which must never reach the handler.
 *
 * Sources: Linhart et al. 2005 · Kettle 2019, 2022 and 2025 · Weikop 2025 (chunk parsing) · advisories of llhttp, Node.js,
 * Go, Kestrel, Waitress, Puma, Twisted, Falcon.
 */
import { accepted, acceptedLast, get, line, post, refused, refusedInBody, type WireCase } from './case.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const OPEN_SMUGGLED = 'GET /smuggled HTTP/1.1\r\nX: ';

const bad = refused(400, 'desync');
const badBody = refusedInBody(400, 'desync');
const ok = accepted('desync');
const last = acceptedLast('desync');

const chunkedPost = (body: string): string => post('Transfer-Encoding: chunked', body);
/** Both lengths, the transfer-encoding written in a way that one of two parsers overlooks. */
const hidden = (name: string, field: string): WireCase =>
  bad(`TE.TE, ${name}`, post(`Content-Length: 4\r\n${field}`, `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`));

export const desync: readonly WireCase[] = [
  bad('CL.TE, the chunked body ends first', post('Content-Length: 40\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`)),
  bad(
    'CL.TE, an open request behind the last chunk',
    post('Content-Length: 30\r\nTransfer-Encoding: chunked', `0\r\n\r\n${OPEN_SMUGGLED}`),
  ),
  bad('CL.TE, the prefix G', post('Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\nG')),
  bad(
    'TE.CL, the length ends inside the first chunk',
    post('Content-Length: 4\r\nTransfer-Encoding: chunked', `23\r\n${SMUGGLED}\r\n0\r\n\r\n`),
  ),
  bad('TE.CL, the transfer-encoding first', post('Transfer-Encoding: chunked\r\nContent-Length: 4', `23\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
  bad('TE.CL, a length of three', post('Content-Length: 3\r\nTransfer-Encoding: chunked', '8\r\nSMUGGLED\r\n0\r\n\r\n')),
  hidden('a space before the colon', 'Transfer-Encoding : chunked'),
  hidden('a tab before the value', 'Transfer-Encoding:\tchunked'),
  hidden('xchunked', 'Transfer-Encoding: xchunked'),
  hidden('a space before the name', ' Transfer-Encoding: chunked'),
  hidden('a tab before the name', '\tTransfer-Encoding: chunked'),
  hidden('a line feed in the field before', 'X: X\nTransfer-Encoding: chunked'),
  hidden('a carriage return in the field before', 'X: X\rTransfer-Encoding: chunked'),
  hidden('the value on the next line', 'Transfer-Encoding\r\n: chunked'),
  hidden('a folded value', 'Transfer-Encoding:\r\n chunked'),
  hidden('two lines, the second one unknown', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x'),
  hidden('two lines, the first one unknown', 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked'),
  hidden('chunked and a comma', 'Transfer-Encoding: chunked,'),
  hidden('identity, chunked', 'Transfer-Encoding: identity, chunked'),
  hidden('chunked, identity', 'Transfer-Encoding: chunked, identity'),
  hidden('a NUL', 'Transfer-Encoding: chunked\x00'),
  hidden('a vertical tab', 'Transfer-Encoding:\x0bchunked'),
  hidden('quotes', 'Transfer-Encoding: "chunked"'),
  hidden('a mixed case', 'tRANSFER-ENCODING: cHuNkEd'),
  hidden('an equals sign', 'Transfer-Encoding=chunked'),
  hidden('a backslash', 'Transfer\\Encoding: chunked'),
  hidden('a quote before the name', '"Transfer-Encoding: chunked'),
  hidden('a request line before the name', 'GET / HTTP/1.1\r\nTransfer-Encoding: chunked'),
  hidden('hop-by-hop through connection', 'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked'),
  hidden('hop-by-hop through connection, the length', 'Connection: Content-Length\r\nTransfer-Encoding: chunked'),
  bad('CL.CL, the first is shorter', post('Content-Length: 5\r\nContent-Length: 43', `hello${SMUGGLED}`)),
  bad('CL.CL, the first is longer', post('Content-Length: 43\r\nContent-Length: 5', `hello${SMUGGLED}`)),
  bad('CL.CL, in one line', post('Content-Length: 5, 43', `hello${SMUGGLED}`)),
  bad('CL.CL, a space before the second colon', post('Content-Length: 5\r\nContent-Length : 43', `hello${SMUGGLED}`)),
  bad(
    'CL.CL, the first line starts with a space',
    `POST / HTTP/1.1\r\n Content-Length: 5\r\nContent-Length: 43\r\nHost: x\r\n\r\nhello${SMUGGLED}`,
  ),
  bad('CL.CL, the second is folded in', post('Content-Length: 5\r\n Content-Length: 43', `hello${SMUGGLED}`)),
  bad('CL.CL, the second behind a CR', post('Content-Length: 5\rContent-Length: 43', `hello${SMUGGLED}`)),
  bad('CL.CL, the second behind a LF', post('Content-Length: 5\nContent-Length: 43', `hello${SMUGGLED}`)),
  bad('Waitress: a length with a plus sign, GHSA-4ppp-gpcr-7qf6', post('Content-Length: +43', SMUGGLED)),
  bad('Twisted: a signed length, CVE-2022-24801', post('Content-Length: -1', SMUGGLED)),
  bad('Falcon: a hexadecimal length, CVE-2023-38697', post('Content-Length: 0x23', SMUGGLED)),
  bad('llhttp: a header that is only a CR, CVE-2022-32213', post('Transfer-Encoding: chunked\r\nA: \r', '0\r\n\r\n')),
  bad('llhttp: chunked and eee, CVE-2022-32213', post('Transfer-Encoding: chunkedchunked', `1\r\na\r\n0\r\n\r\n`)),
  bad('llhttp: CR without LF before the value, CVE-2023-30589', post('A: \rTransfer-Encoding: chunked', '0\r\n\r\n')),
  bad(
    'llhttp: LF ends the field before the length, CVE-2022-35256',
    'POST / HTTP/1.1\r\nHost: x\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  bad('llhttp: a LF-only head end', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\n\nhello'),
  bad('node: an empty field name hides the length, CVE-2024-27982', post(': \r\nContent-Length: 5', 'hello')),
  bad('node: two CRs before the LF, CVE-2025-23167', `GET / HTTP/1.1\r\nHost: x\r\n\r\rX${SMUGGLED}`),
  bad('node: a malformed transfer-encoding, CVE-2019-15605', post('Content-Length: 5\r\nTransfer-Encoding: chunked \x00', 'hello')),
  badBody('Puma: letters behind the chunk data, CVE-2022-24790', chunkedPost(`5\r\nhelloGG0\r\n\r\n`)),
  badBody('Go: a LF in the chunk size line, CVE-2025-22871', chunkedPost(`5\nhello\r\n0\r\n\r\n`)),
  badBody('Falcon: a plus sign before the chunk size, CVE-2023-38697', chunkedPost('+5\r\nhello\r\n0\r\n\r\n')),
  badBody('Falcon: 0x before the chunk size, CVE-2023-38697', chunkedPost('0x5\r\nhello\r\n0\r\n\r\n')),
  badBody('Kestrel: a LF in the extension hides a chunk, CVE-2025-55315', chunkedPost(`2;\nxx\r\n23\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
  badBody('TERM.EXT, a LF in an extension ends the line for one of two', chunkedPost(`5;a\nhello\r\n23\r\n${SMUGGLED}0\r\n\r\n`)),
  badBody(
    'EXT.TERM, a LF behind the size is an extension for one of two',
    chunkedPost(`2\nXX\r\n10\r\n1f\r\nAAAABBBBCCCC\r\n0\r\n\r\n${SMUGGLED}`),
  ),
  badBody(
    'TERM.SPILL, a CR and another byte end the data for one of two',
    chunkedPost(`5\r\nhello\rX2d\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`),
  ),
  badBody('SPILL.TERM, data spills over the size', chunkedPost(`5\r\nhelloAAAAA\r\n2d\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
  badBody('ONE.TWO, one byte ends the data for one of two', chunkedPost(`5\r\nhello\n2d\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
  badBody('TWO.ONE, two bytes end the data for one of two', chunkedPost(`5\r\nhello\rA0\r\n\r\n${SMUGGLED}`)),
  badBody('ZERO.TWO, nothing ends the data for one of two', chunkedPost(`5\r\nhello010\r\n\r\n${SMUGGLED}`)),
  badBody('TWO.ZERO, a line end that is data for one of two', chunkedPost(`5\r\nhello\n\r0\r\n\r\n${SMUGGLED}`)),
  badBody('chunk size that wraps at 64 bits', chunkedPost(`10000000000000000\r\n\r\n${SMUGGLED}`)),
  badBody('a negative chunk size', chunkedPost(`-1\r\n\r\n${SMUGGLED}`)),
  badBody('a CR in the last line hides a trailer', chunkedPost(`0\r\nA: b\rGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`)),
  badBody('a LF in the trailers', chunkedPost(`0\r\nA: b\n\n${SMUGGLED}`)),
  bad('0.CL, a length with a space before the colon', get('Content-Length : 35', SMUGGLED)),
  bad('0.CL, a length in the line of another field', get('A: b\x00\r\nContent-Length: 35', SMUGGLED)),
  refused(417, 'desync')(
    '0.CL, an expectation of y 100-continue, Kettle 2025',
    post('Expect: y 100-continue\r\nContent-Length: 35', SMUGGLED),
  ),
  bad('0.CL, an expectation behind a LF, Kettle 2025', post('Expect: \n100-continue\r\nContent-Length: 35', SMUGGLED)),
  bad('0.CL, a folded expectation', post('Expect:\r\n 100-continue\r\nContent-Length: 35', SMUGGLED)),
  ok('CL.0, the body is a body on any path', post('Content-Length: 35', SMUGGLED), { body: SMUGGLED }),
  ok('CL.0, the body is a body with GET', get('Content-Length: 35', SMUGGLED), { body: SMUGGLED }),
  ok('CL.0, the body is a body with OPTIONS', `OPTIONS / HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n${SMUGGLED}`, { body: SMUGGLED }),
  ok('CL.0, the body is a body behind connection: content-length', post('Connection: Content-Length\r\nContent-Length: 35', SMUGGLED), {
    body: SMUGGLED,
  }),
  ok('TE.0, the chunked body is a body with GET', get('Transfer-Encoding: chunked', `23\r\n${SMUGGLED}\r\n0\r\n\r\n`), { body: SMUGGLED }),
  ok(
    'TE.0, the chunked body is a body with OPTIONS',
    `OPTIONS / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    { body: SMUGGLED },
  ),
  ok(
    'TE.0, behind connection: transfer-encoding',
    post('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked', `23\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    { body: SMUGGLED },
  ),
  ok('CL.0, a body that no handler reads', `POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n${SMUGGLED}`),
  ok(
    'TE.0, a chunked body that no handler reads',
    `POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n${SMUGGLED}\r\n0\r\n\r\n`,
  ),
  {
    name: 'desync: HEAD with a body',
    send: `HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n${SMUGGLED}`,
    want: [200],
    then: 'open',
    methods: ['HEAD'],
  },
  {
    name: 'desync: HEAD with a chunked body',
    send: `HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n${SMUGGLED}\r\n0\r\n\r\n`,
    want: [200],
    then: 'open',
    methods: ['HEAD'],
  },
  ok(
    'an upgrade to h2c is ignored',
    get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
    { uri: '/' },
  ),
  ok(
    'an upgrade to something unknown is ignored, the body is a body',
    post('Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 35', SMUGGLED),
    { body: SMUGGLED },
  ),
  {
    ...last(
      'an upgrade to websocket that the handler answers plainly: what follows may be frames, and is not read',
      get('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='),
      { uri: '/' },
    ),
    reply: { connection: 'close' },
  },
  ok('a method in a header is a header', post('X-HTTP-Method-Override: DELETE\r\nContent-Length: 0'), { method: 'POST' }),
  ok('a path in a header is a header', get('X-Original-URL: /smuggled\r\nX-Rewrite-URL: /smuggled'), { uri: '/' }),
  ok('a forwarded host is a header', get('X-Forwarded-Host: evil\r\nForwarded: host=evil'), { serverName: 'x' }),
  ok('a request in a header is a header', get(`X: ${SMUGGLED.replaceAll('\r\n', ' ')}`), { uri: '/' }),
  ok('escaped line ends in a target stay escaped', line('GET /%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/smuggled HTTP/1.1'), {
    uri: '/%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/smuggled',
  }),
  last('bytes behind connection: close are ignored', `${get('Connection: close')}${SMUGGLED}`, { uri: '/' }),
  last('bytes behind HTTP/1.0 are ignored', `GET / HTTP/1.0\r\nHost: x\r\n\r\n${SMUGGLED}`, { uri: '/' }),
  last('garbage behind connection: close is ignored', `${get('Connection: close')}\x00\x01\x02 garbage\r\n\r\n`, { uri: '/' }),
  last('a body and garbage behind connection: close', `${post('Connection: close\r\nContent-Length: 5', 'hello')}\x00garbage`, {
    body: 'hello',
  }),
];
