/** Opening handshakes, RFC 6455 §4.2: what must be refused and how, and what must be taken. */
import { handshake } from '../../support/frame-client.js';

export interface RefusedHandshake {
  readonly name: string;
  readonly send: string;
  readonly status: number;
  /** Fields of the reply that must have this value. */
  readonly reply?: Readonly<Record<string, string>>;
}

export interface AcceptedHandshake {
  readonly name: string;
  readonly send: string;
  /** The key to be answered, where it is not the usual one. */
  readonly key?: string;
  /** Fields of the 101 that must have this value, or be absent. */
  readonly reply?: Readonly<Record<string, string | null>>;
}

type Fields = Readonly<Record<string, string | null>>;

const refused =
  (status: number, rule: string, reply?: RefusedHandshake['reply']) =>
  (name: string, fields: Fields, line?: string): RefusedHandshake => ({
    name: `${rule}: ${name}`,
    send: handshake(fields, line),
    status,
    ...(reply === undefined ? {} : { reply }),
  });

/** Field lines that a record cannot hold, in front of the blank line. */
const adding = (lines: string, fields: Fields = {}): string => handshake(fields).replace(/\r\n$/, `${lines}\r\n\r\n`);

const method = refused(405, '§4.2.1(1) method', { allow: 'GET' });
const version = refused(426, '§4.2.1(6) version', { 'sec-websocket-version': '13', upgrade: 'websocket' });
const key = refused(400, '§4.2.1(5) key');
const upgrade = refused(400, '§4.2.1(3) upgrade');
const connection = refused(400, '§4.2.1(4) connection');
const body = refused(400, '§4.2.1 body');
const protocol = refused(400, '§4.2.1(8) subprotocol');
const extension = refused(400, '§9.1 extension');
const host = refused(400, '§4.2.1(2) host');

const withoutKey: Fields = { 'Sec-WebSocket-Key': null };

export const REFUSED_HANDSHAKES: readonly RefusedHandshake[] = [
  ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((name) => method(name, {}, `${name} / HTTP/1.1`)),
  refused(400, '§4.2.1(1) version of HTTP')('HTTP/1.0', {}, 'GET / HTTP/1.0'),
  refused(505, '§4.2.1(1) version of HTTP')('HTTP/2.0', {}, 'GET / HTTP/2.0'),
  refused(400, '§4.2.1(1) version of HTTP')('HTTP/1.0 with keep-alive', { Connection: 'upgrade, keep-alive' }, 'GET / HTTP/1.0'),
  host('missing', { Host: null }),
  host('malformed', { Host: 'a b' }),
  { name: '§4.2.1(2) host: two', send: adding('Host: y'), status: 400 },

  upgrade('of another protocol', { Upgrade: 'h2c' }),
  upgrade('empty', { Upgrade: '' }),
  upgrade('a list without it', { Upgrade: 'h2c, foo' }),
  upgrade('with a version', { Upgrade: 'websocket/13' }),
  upgrade('a longer name', { Upgrade: 'websockets' }),
  upgrade('a shorter name', { Upgrade: 'websocke' }),
  upgrade('two words', { Upgrade: 'web socket' }),
  upgrade('quoted', { Upgrade: '"websocket"' }),

  connection('missing', { Connection: null }),
  connection('keep-alive alone', { Connection: 'keep-alive' }),
  connection('close alone', { Connection: 'close' }),
  connection('empty', { Connection: '' }),
  connection('a longer token', { Connection: 'upgraded' }),
  connection('two words', { Connection: 'keep-alive upgrade' }),
  connection('the token with a semicolon', { Connection: 'upgrade;q=1' }),

  version('missing', { 'Sec-WebSocket-Version': null }),
  ...[
    '',
    '0',
    '1',
    '7',
    '8',
    '12',
    '14',
    '113',
    '131',
    '130',
    '255',
    '-13',
    '+13',
    '13.0',
    '013',
    '0013',
    '13x',
    'x13',
    '0xd',
    '1 3',
    '13;',
    '"13"',
    'thirteen',
  ].map((value) => version(JSON.stringify(value), { 'Sec-WebSocket-Version': value })),
  version('13 in a list', { 'Sec-WebSocket-Version': '13, 8' }),
  version('13 behind another', { 'Sec-WebSocket-Version': '8, 13' }),
  version('13 twice', { 'Sec-WebSocket-Version': '13, 13' }),
  {
    name: '§4.2.1(6) version: in two lines',
    send: adding('Sec-WebSocket-Version: 13'),
    status: 426,
    reply: { 'sec-websocket-version': '13' },
  },
  { name: '§4.2.1(6) version: another in a second line', send: adding('Sec-WebSocket-Version: 8'), status: 426 },

  key('missing', withoutKey),
  key('empty', { 'Sec-WebSocket-Key': '' }),
  key('15 octets', { 'Sec-WebSocket-Key': Buffer.alloc(15, 7).toString('base64') }),
  key('17 octets', { 'Sec-WebSocket-Key': Buffer.alloc(17, 7).toString('base64') }),
  key('18 octets', { 'Sec-WebSocket-Key': Buffer.alloc(18, 7).toString('base64') }),
  key('1 octet', { 'Sec-WebSocket-Key': 'AA==' }),
  key('no padding', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }),
  key('half of the padding', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=' }),
  key('more padding', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ===' }),
  key('padding in the middle', { 'Sec-WebSocket-Key': 'dGhlIHNhbX==sZSBub25jZQ' }),
  key('a character of base64url', { 'Sec-WebSocket-Key': 'dGhlIHNhbX_sZSBub25jZQ==' }),
  key('a minus', { 'Sec-WebSocket-Key': 'dGhlIHNhbX-sZSBub25jZQ==' }),
  key('a space inside', { 'Sec-WebSocket-Key': 'dGhlIHNhbX sZSBub25jZQ==' }),
  key('22 stars', { 'Sec-WebSocket-Key': `${'*'.repeat(22)}==` }),
  key('24 letters', { 'Sec-WebSocket-Key': 'A'.repeat(24) }),
  key('quoted', { 'Sec-WebSocket-Key': '"dGhlIHNhbXBsZSBub25jZQ=="' }),
  key('an octet above 127', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j\xe9Q==' }),
  ...['B', 'R', 'h', 'x', 'Z', '/'].map((last) =>
    key(`bits behind the sixteenth octet: ${last}`, { 'Sec-WebSocket-Key': `dGhlIHNhbXBsZSBub25jZ${last}==` }),
  ),
  key('two in a list', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==' }),
  { name: '§4.2.1(5) key: in two lines', send: adding('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='), status: 400 },
  key('1,000 characters', { 'Sec-WebSocket-Key': `${'A'.repeat(998)}==` }),

  { ...body('a content-length', { 'Content-Length': '5' }), send: `${handshake({ 'Content-Length': '5' })}hello` },
  { ...body('chunked', { 'Transfer-Encoding': 'chunked' }), send: `${handshake({ 'Transfer-Encoding': 'chunked' })}0\r\n\r\n` },
  {
    ...body('chunked with content', { 'Transfer-Encoding': 'chunked' }),
    send: `${handshake({ 'Transfer-Encoding': 'chunked' })}1\r\nx\r\n0\r\n\r\n`,
  },

  ...[
    '',
    ',',
    ' , ',
    'a b',
    'a;b',
    '"a"',
    'a=b',
    'a/b',
    'a(b)',
    'a@b',
    'a, b c',
    '\xe4',
    'a, a',
    'b, a, b',
    'a\\b',
    '[a]',
    '{a}',
    'a:b',
    'a?b',
  ].map((value) => protocol(JSON.stringify(value), { 'Sec-WebSocket-Protocol': value })),
  {
    name: '§4.2.1(8) subprotocol: the same in two lines',
    send: adding('Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a'),
    status: 400,
  },

  ...[
    '',
    ',',
    ';',
    'a;',
    'a; b=',
    'a; =b',
    'a; b="',
    'a; b="c d"',
    'a; b=""',
    'a b',
    'a;;b',
    'a, ;b',
    '=',
    'a; b=c d',
    '"a"',
    'a; b=(c)',
    'permessage-deflate;',
  ].map((value) => extension(JSON.stringify(value), { 'Sec-WebSocket-Extensions': value })),
];

const accepted =
  (rule: string) =>
  (name: string, fields: Fields, reply?: AcceptedHandshake['reply']): AcceptedHandshake => ({
    name: `${rule}: ${name}`,
    send: handshake(fields),
    ...(reply === undefined ? {} : { reply }),
  });

const taken = accepted('§4.2.1');
const keyed = (name: string, value: string): AcceptedHandshake => ({
  name: `§4.2.2(5.4): ${name}`,
  send: handshake({ 'Sec-WebSocket-Key': value }),
  key: value.trim(),
});

export const ACCEPTED_HANDSHAKES: readonly AcceptedHandshake[] = [
  taken('plain', {}),
  { name: '§4.2.1(1) HTTP/1.1 or higher: HTTP/1.2', send: handshake({}, 'GET / HTTP/1.2') },
  ...[
    'websocket',
    'WebSocket',
    'WEBSOCKET',
    'wEbSoCkEt',
    'h2c, websocket',
    'websocket, h2c',
    'h2c,websocket,foo',
    'foo ,\twebsocket ',
    ', websocket',
    'websocket,,',
  ].map((value) => taken(`upgrade ${JSON.stringify(value)}`, { Upgrade: value })),
  ...[
    'upgrade',
    'Upgrade',
    'UPGRADE',
    'keep-alive, Upgrade',
    'Upgrade, keep-alive',
    'keep-alive,Upgrade',
    'a, b ,\tUPGRADE , c',
    ',upgrade',
    'Upgrade, HTTP2-Settings',
  ].map((value) => taken(`connection ${JSON.stringify(value)}`, { Connection: value })),
  { name: '§4.2.1: connection in two lines', send: adding('Connection: upgrade', { Connection: 'keep-alive' }) },
  { name: '§4.2.1: upgrade in two lines', send: adding('Upgrade: websocket', { Upgrade: 'h2c' }) },
  taken('names of fields in capitals', { Upgrade: null, UPGRADE: 'websocket' }),
  taken('names of fields in small letters', { 'Sec-WebSocket-Version': null, 'sec-websocket-version': '13' }),
  taken('blanks around the version', { 'Sec-WebSocket-Version': ' \t13 \t' }),
  taken('content-length: 0', { 'Content-Length': '0' }),
  taken('an origin, where none is asked for', { Origin: 'http://evil.example' }),
  taken('fields that say nothing here', { Cookie: 'a=b', 'User-Agent': 'x', Pragma: 'no-cache', 'Accept-Encoding': 'gzip' }),
  taken('a subprotocol that nobody speaks', { 'Sec-WebSocket-Protocol': 'klingon' }, { 'sec-websocket-protocol': null }),
  taken('an extension that nobody knows', { 'Sec-WebSocket-Extensions': 'x-unknown; a=1; b="c"' }, { 'sec-websocket-extensions': null }),
  taken('deflate, where it is off', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, { 'sec-websocket-extensions': null }),
  { name: '§4.2.1: extensions in two lines', send: adding('Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b; c') },
  { name: '§4.2.1: an absolute target', send: handshake({}, 'GET http://x/ HTTP/1.1') },
  keyed('sixteen zeros', Buffer.alloc(16).toString('base64')),
  keyed('sixteen octets of 255', Buffer.alloc(16, 255).toString('base64')),
  keyed('the example of the RFC', 'dGhlIHNhbXBsZSBub25jZQ=='),
  keyed('plus and slash', '++//++//++//++//++//+w=='),
  keyed('blanks around', '  dGhlIHNhbXBsZSBub25jZQ==\t'),
  ...['A', 'Q', 'g', 'w'].map((last) => keyed(`last character ${last}`, `ABCDEFGHIJKLMNOPQRSTU${last}==`)),
];
