/** Which connections live on, in which order answers come, and what stands in them. */
import { accepted, acceptedLast, get, line, post, refused, type WireCase } from './case.js';

const open = accepted('RFC 9112 §9.3');
const closed = acceptedLast('RFC 9112 §9.6');
const pipeline = accepted('RFC 9112 §9.3.2');
const expectation = refused(417, 'RFC 9110 §10.1.1');

const old = (fields: string, path: string = '/'): string => `GET ${path} HTTP/1.0\r\nHost: x\r\n${fields}\r\n`;
const kept = (name: string, fields: string): WireCase => ({
  ...open(name, old(fields), { protocol: 'HTTP/1.0' }),
  reply: { connection: 'keep-alive' },
});
const closing = (name: string, send: string): WireCase => ({ ...closed(name, send), reply: { connection: 'close' } });

export const persistence: readonly WireCase[] = [
  { ...open('HTTP/1.1 lives on', line('GET / HTTP/1.1'), { protocol: 'HTTP/1.1' }), reply: { connection: null } },
  open('HTTP/1.1 with keep-alive lives on', get('Connection: keep-alive')),
  open('an unknown option is ignored', get('Connection: foo')),
  open('closed is not close', get('Connection: closed')),
  open('xclose is not close', get('Connection: xclose')),
  open('close behind a hyphen is not close', get('Connection: not-close')),
  open('close in a parameter is not close', get('Connection: foo;close')),
  open('close with NBSP behind it is not close', get('Connection: close\xa0')),
  open('close with NBSP before it is not close', get('Connection: \xa0close')),
  open('an empty connection field', get('Connection:')),
  open('a connection field of commas', get('Connection: , ,')),
  open('proxy-connection: close is another field', get('Proxy-Connection: close')),
  open('keep-alive: timeout=0 is another field', get('Keep-Alive: timeout=0')),
  closing('close', get('Connection: close')),
  closing('close in capitals', get('Connection: CLOSE')),
  closing('close in mixed case', get('Connection: ClOsE')),
  closing('close with white space around it', get('Connection: \t close \t')),
  closing('close in a list', get('Connection: foo, close')),
  closing('close at the start of a list', get('Connection: close, foo')),
  closing('close in a list without spaces', get('Connection: a,close,b')),
  closing('close in a list with tabs', get('Connection: a\t,\tclose\t,b')),
  closing('close in a second line', get('Connection: foo\r\nConnection: close')),
  closing('close in the first line', get('Connection: close\r\nConnection: foo')),
  closing('close beats keep-alive', get('Connection: keep-alive, close')),
  closing('close beats keep-alive, the other way round', get('Connection: close, keep-alive')),
  closing('close twice', get('Connection: close, close')),
  closing('close with empty elements', get('Connection: ,close,')),
  closing('close with a body', post('Connection: close\r\nContent-Length: 5', 'hello')),
  closing('close with a chunked body', post('Connection: close\r\nTransfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n')),
  closing('close with upgrade', get('Connection: close, upgrade\r\nUpgrade: foo')),
  closing('HTTP/1.0 closes', old('')),
  closing('HTTP/1.0 with close', old('Connection: close\r\n')),
  closing('HTTP/1.0 with an unknown option', old('Connection: foo\r\n')),
  closing('HTTP/1.0 with keep-alivex', old('Connection: keep-alivex\r\n')),
  closing('HTTP/1.0 with NBSP behind keep-alive', old('Connection: keep-alive\xa0\r\n')),
  closing('HTTP/1.0 with keep-alive and close', old('Connection: keep-alive, close\r\n')),
  closing('HTTP/1.0 with the field keep-alive only', old('Keep-Alive: timeout=5\r\n')),
  kept('HTTP/1.0 with keep-alive lives on', 'Connection: keep-alive\r\n'),
  kept('HTTP/1.0 with keep-alive in capitals lives on', 'Connection: Keep-Alive\r\n'),
  kept('HTTP/1.0 with keep-alive in a list lives on', 'Connection: foo, keep-alive\r\n'),
  closed('HTTP/1.0 with a body', 'POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello', { body: 'hello', protocol: 'HTTP/1.0' }),
  closed('HTTP/1.0 POST without a length has no body', 'POST / HTTP/1.0\r\n\r\n', { body: '' }),
  {
    ...closed('HTTP/1.0 is answered in HTTP/1.1 without chunks, RFC 9112 §6.1', old('', '/stream')),
    reply: { 'transfer-encoding': null, 'content-length': null, connection: 'close' },
  },
  {
    ...closed('HTTP/1.0 with keep-alive and a reply of unknown length closes', old('Connection: keep-alive\r\n', '/stream')),
    reply: { 'transfer-encoding': null, 'content-length': null, connection: 'close' },
  },
  {
    ...open('a reply of unknown length is chunked in HTTP/1.1', line('GET /stream HTTP/1.1')),
    reply: { 'transfer-encoding': 'chunked', 'content-length': null },
  },
  {
    ...closed('a reply of unknown length to connection: close is framed', 'GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    reply: { 'transfer-encoding': 'chunked' },
  },
  pipeline('two', `${line('GET /a HTTP/1.1')}${line('GET /b HTTP/1.1')}`, { uri: '/a' }, { uri: '/b' }),
  pipeline(
    'five',
    ['a', 'b', 'c', 'd', 'e'].map((path) => line(`GET /${path} HTTP/1.1`)).join(''),
    ...['a', 'b', 'c', 'd', 'e'].map((path) => ({ uri: `/${path}` })),
  ),
  pipeline('a slow one before a fast one', `${line('GET /slow HTTP/1.1')}${line('GET /b HTTP/1.1')}`, {}, { uri: '/b' }),
  pipeline('a streamed one before a fast one', `${line('GET /stream HTTP/1.1')}${line('GET /b HTTP/1.1')}`, {}, { uri: '/b' }),
  pipeline(
    'two bodies',
    `${post('Content-Length: 3', 'one')}${post('Transfer-Encoding: chunked', '3\r\ntwo\r\n0\r\n\r\n')}`,
    { body: 'one' },
    { body: 'two' },
  ),
  pipeline(
    'an unread body before a fast one',
    `POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none${line('GET /b HTTP/1.1')}`,
    {},
    { uri: '/b' },
  ),
  pipeline(
    'an unread chunked body before a fast one',
    `POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nA: b\r\n\r\n${line('GET /b HTTP/1.1')}`,
    {},
    { uri: '/b' },
  ),
  pipeline(
    'HTTP/1.0 with keep-alive before HTTP/1.1',
    `${old('Connection: keep-alive\r\n')}${line('GET /b HTTP/1.1')}`,
    { protocol: 'HTTP/1.0' },
    { uri: '/b', protocol: 'HTTP/1.1' },
  ),
  {
    name: 'RFC 9110 §9.3.2: HEAD between two GETs',
    send: `${line('GET /a HTTP/1.1')}${line('HEAD /b HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 200, 200],
    then: 'open',
    methods: ['GET', 'HEAD', 'GET'],
  },
  {
    name: 'RFC 9110 §9.3.2: HEAD of a reply of unknown length',
    send: `${line('HEAD /stream HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 200],
    then: 'open',
    methods: ['HEAD', 'GET'],
  },
  {
    name: 'RFC 9110 §15.3.5: 204 between two GETs',
    send: `${line('GET /a HTTP/1.1')}${line('GET /204 HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 204, 200],
    then: 'open',
  },
  {
    name: 'RFC 9110 §15.4.5: 304 between two GETs',
    send: `${line('GET /a HTTP/1.1')}${line('GET /304 HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 304, 200],
    then: 'open',
  },
  {
    name: 'RFC 9110 §15.3.6: 205 between two GETs',
    send: `${line('GET /a HTTP/1.1')}${line('GET /205 HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 205, 200],
    then: 'open',
  },
  {
    name: 'a handler that fails touches its own exchange only',
    send: `${line('GET /a HTTP/1.1')}${line('GET /throws HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [200, 500, 200],
    then: 'open',
  },
  {
    name: 'an empty reply stream is 404',
    send: `${line('GET /empty HTTP/1.1')}${line('GET /c HTTP/1.1')}`,
    want: [404, 200],
    then: 'open',
  },
  {
    name: 'RFC 9112 §9.6: nothing is read behind connection: close',
    send: `${line('GET /a HTTP/1.1')}${get('Connection: close')}${line('GET /smuggled HTTP/1.1')}`,
    want: [200, 200],
    then: 'close',
  },
  {
    name: 'RFC 9112 §9.3.2: the error waits behind a slow answer',
    send: `${line('GET /slow HTTP/1.1')}${line('GET /b HTTP/2.0')}`,
    want: [200, 505],
    then: 'close',
  },
  {
    name: 'RFC 9112 §9.3.2: the error waits behind a streamed answer',
    send: `${line('GET /stream HTTP/1.1')}${line('GET  /b HTTP/1.1')}`,
    want: [200, 400],
    then: 'close',
  },
  {
    name: 'RFC 9112 §9.3.2: the error waits behind three answers',
    send: `${line('GET /slow HTTP/1.1')}${line('GET /b HTTP/1.1')}${line('GET /stream HTTP/1.1')}${line('G(T / HTTP/1.1')}`,
    want: [200, 200, 200, 400],
    then: 'close',
  },
  {
    name: 'RFC 9112 §9.3.2: a second error is not answered',
    send: `${line('GET / HTTP/2.0')}${line('G(T / HTTP/1.1')}`,
    want: [505],
    then: 'close',
  },
];

export const expectations: readonly WireCase[] = [
  expectation('an unknown expectation', get('Expect: foo')),
  expectation('an unknown expectation with a body', post('Expect: 200-ok\r\nContent-Length: 5', 'hello')),
  expectation('100-continue and another', post('Expect: 100-continue, foo\r\nContent-Length: 5', 'hello')),
  expectation('another and 100-continue in two lines', post('Expect: foo\r\nExpect: 100-continue\r\nContent-Length: 5', 'hello')),
  expectation('a parameter', post('Expect: 100-continue;a=b\r\nContent-Length: 5', 'hello')),
  expectation('a letter before it', post('Expect: x100-continue\r\nContent-Length: 5', 'hello')),
  expectation('a letter behind it', post('Expect: 100-continuex\r\nContent-Length: 5', 'hello')),
  expectation('NBSP behind it', post('Expect: 100-continue\xa0\r\nContent-Length: 5', 'hello')),
  expectation('quoted', post('Expect: "100-continue"\r\nContent-Length: 5', 'hello')),
  expectation('a space in place of the hyphen', post('Expect: 100 continue\r\nContent-Length: 5', 'hello')),
  accepted('RFC 9110 §10.1.1')('100-continue with a body that is there', post('Expect: 100-continue\r\nContent-Length: 5', 'hello'), {
    body: 'hello',
  }),
  accepted('RFC 9110 §10.1.1')('100-continue in mixed case', post('Expect: 100-Continue\r\nContent-Length: 5', 'hello'), { body: 'hello' }),
  accepted('RFC 9110 §10.1.1')('100-continue without a body', get('Expect: 100-continue'), { body: '' }),
  accepted('RFC 9110 §10.1.1')(
    '100-continue with a chunked body',
    post('Expect: 100-continue\r\nTransfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'),
    { body: 'hello' },
  ),
  acceptedLast('RFC 9110 §10.1.1')(
    'an unknown expectation in HTTP/1.0 is ignored',
    'POST / HTTP/1.0\r\nExpect: foo\r\nContent-Length: 5\r\n\r\nhello',
    { body: 'hello' },
  ),
];
