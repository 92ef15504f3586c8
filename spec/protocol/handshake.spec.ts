import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { acceptFor, type HandshakeRequest, isRefusal, readHandshake } from '#src/protocol/handshake.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

const request = (headers: Readonly<Record<string, string | undefined>> = {}, more: Partial<HandshakeRequest> = {}): HandshakeRequest => ({
  method: 'GET',
  protocol: 'HTTP/1.1',
  // as the parser makes them: what is undefined is absent
  headers: Object.fromEntries(
    Object.entries({
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': KEY,
      ...headers,
    }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>,
  contentLength: undefined,
  ...more,
});

const outcome = (one: HandshakeRequest): string => {
  const result = readHandshake(one);
  return isRefusal(result) ? `${result.status}` : `${result.key} ${result.protocols.join('|')}`;
};

describe('readHandshake', () => {
  for (const [name, one, want] of [
    ['an ordinary handshake', request(), `${KEY} `],
    ['subprotocols in their order', request({ 'sec-websocket-protocol': 'b, a ,\tc' }), `${KEY} b|a|c`],
    ['a length of zero', request({}, { contentLength: 0 }), `${KEY} `],
    ['another method', request({}, { method: 'POST' }), '405'],
    ['a method in small letters', request({}, { method: 'get' }), '405'],
    ['no upgrade', request({ upgrade: undefined }), '426'],
    ['HTTP/1.0', request({}, { protocol: 'HTTP/1.0' }), '400'],
    ['another upgrade', request({ upgrade: 'h2c' }), '400'],
    ['no connection', request({ connection: undefined }), '400'],
    ['no version', request({ 'sec-websocket-version': undefined }), '426'],
    ['version 8', request({ 'sec-websocket-version': '8' }), '426'],
    ['no key', request({ 'sec-websocket-key': undefined }), '400'],
    ['a body', request({}, { contentLength: 1 }), '400'],
    ['chunks', request({ 'transfer-encoding': 'chunked' }), '400'],
    ['a subprotocol twice', request({ 'sec-websocket-protocol': 'a, a' }), '400'],
    ['the method counts before all else', request({ upgrade: undefined }, { method: 'PUT', protocol: 'HTTP/1.0' }), '405'],
  ] as const) {
    it(`${name}: ${want}`, () => expect(outcome(one)).to.equal(want));
  }

  it('tells with 426 and 405 what would be taken', () => {
    expect(readHandshake(request({ 'sec-websocket-version': '7' }))).to.have.deep.property('headers', {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    });
    expect(readHandshake(request({}, { method: 'POST' }))).to.have.deep.property('headers', { allow: 'GET' });
  });

  it('takes every sixteen octets for a key, and no other number of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (octets) => {
        const key = Buffer.from(octets).toString('base64');
        expect(outcome(request({ 'sec-websocket-key': key }))).to.equal(octets.length === 16 ? `${key} ` : '400');
      }),
    );
  });

  it('takes no text for a key that another text stands for', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[+/0-9A-Za-z]{22}==$/), (key) => {
        const isCanonical = Buffer.from(key, 'base64').toString('base64') === key;
        expect(outcome(request({ 'sec-websocket-key': key }))).to.equal(isCanonical ? `${key} ` : '400');
      }),
    );
  });

  it('takes no version but 13', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('13', '13 ', '13,13', '013')), (version) => {
        expect(outcome(request({ 'sec-websocket-version': version }))).to.equal(version === '13' ? `${KEY} ` : '426');
      }),
    );
  });
});

describe('acceptFor', () => {
  it('gives the value of the RFC, §1.3', () => expect(acceptFor(KEY)).to.equal('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));

  it('is the hash of key and GUID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        const key = Buffer.from(octets).toString('base64');
        expect(acceptFor(key)).to.equal(createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'));
      }),
    );
  });
});
