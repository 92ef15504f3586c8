import { STATUS_CODES } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { HandlerError } from '#src/errors.js';
import { isBodilessStatus, chunkSizeLine, ResponseFields, type ResponseHeaders, statusLine } from '#src/protocol/response-head.js';

const linesOf = (headers: ResponseHeaders | undefined): string => new ResponseFields(headers).lines;
/** For what no typed handler can say, and an untyped one will. */
const untyped = (value: unknown): ResponseHeaders => value as ResponseHeaders;
const refuses = (headers: unknown, part: string): void => {
  expect(() => linesOf(untyped(headers)), part)
    .to.throw(HandlerError, part)
    .with.property('code', 'RHK_BAD_HEADER');
};

describe('ResponseFields', () => {
  it('gives one line for each value, names as they were written', () => {
    expect(linesOf(undefined)).to.equal('');
    expect(linesOf({})).to.equal('');
    expect(linesOf({ 'X-A': 'b', n: 0, empty: '' })).to.equal('X-A: b\r\nn: 0\r\nempty: \r\n');
    expect(linesOf({ 'set-cookie': ['a=b', 'c=d'], none: [] })).to.equal('set-cookie: a=b\r\nset-cookie: c=d\r\n');
    expect(linesOf({ a: undefined, b: 'c' })).to.equal('b: c\r\n');
    expect(linesOf(untyped(null))).to.equal('');
    expect(linesOf(untyped({ a: null }))).to.equal('');
  });

  it('takes maps, pairs and fetch headers', () => {
    expect(linesOf(new Map([['a', 'b']]))).to.equal('a: b\r\n');
    expect(linesOf([['a', 'b'] as const, ['a', 'c'] as const])).to.equal('a: b\r\na: c\r\n');
    expect(linesOf(untyped(new Headers({ A: 'b' })))).to.equal('a: b\r\n');
  });

  it('sends the characters up to U+00FF as they are', () => {
    const value = `\t${String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 0x20 + index))}\x80\xa0\xff`;
    expect(linesOf({ a: value })).to.equal(`a: ${value}\r\n`);
  });

  it('refuses what would be cut or changed on the wire', () => {
    for (const value of ['\r', '\n', '\0', 'a\r\nb: c', 'a\x7f', '\x1b', '\u0100', '\u0130', '\u560d\u560a', '😀', 'a\u2028']) {
      refuses({ a: value }, 'value of a');
      refuses({ 'content-length': value }, 'value of content-length');
      refuses({ connection: value }, 'value of connection');
      refuses({ 'set-cookie': ['ok', value] }, 'value of set-cookie');
    }
    for (const name of ['', ' ', 'a b', 'a:', 'a\r\nb', 'a\0', 'é', '\u212aelvin', 'a\xa0', '😀', '(a)'])
      refuses({ [name]: 'b' }, 'is not a token');
  });

  it('refuses again what it has refused before, and takes again what it took', () => {
    for (let round = 0; round < 2; round++) {
      refuses({ 'b d': 'c' }, 'is not a token');
      expect(linesOf({ 'b-d': 'c' })).to.equal('b-d: c\r\n');
    }
  });

  it('refuses values that are neither strings nor numbers', () => {
    refuses({ a: true }, 'value of a is a boolean');
    refuses({ a: {} }, 'value of a is a object');
    refuses({ a: () => 'b' }, 'value of a is a function');
    refuses({ a: Symbol('b') }, 'value of a is a symbol');
    refuses({ a: NaN }, 'value of a is NaN');
    refuses({ a: Infinity }, 'value of a is Infinity');
    refuses('a: b', 'headers are a string');
    refuses(5, 'headers are a number');
    refuses([['a b', 'c']], 'is not a token');
    refuses([[5, 'c']], 'is not a token');
  });

  it('keeps framing to the server', () => {
    const fields = new ResponseFields({
      'Transfer-Encoding': 'chunked',
      'Keep-Alive': 'timeout=5',
      Trailer: 'x',
      'Sec-WebSocket-Accept': 'x',
      'Sec-WebSocket-Protocol': 'x',
      'Sec-WebSocket-Extensions': 'x',
      'Content-Length': '5',
      Connection: 'keep-alive, CLOSE',
      a: 'b',
    });
    expect(fields).to.deep.include({ lines: 'a: b\r\n', contentLength: 5, asksClose: true });
  });

  it('reads a content-length, or refuses it', () => {
    const lengthOf = (value: string | number): number => new ResponseFields({ 'CONTENT-length': value }).contentLength;
    expect([lengthOf(0), lengthOf('0'), lengthOf('00012'), lengthOf(Number.MAX_SAFE_INTEGER)]).to.deep.equal([
      0,
      0,
      12,
      Number.MAX_SAFE_INTEGER,
    ]);
    expect(new ResponseFields({}).contentLength).to.equal(-1);
    for (const value of ['', ' 5', '5 ', '+5', '-5', '0x5', '5,5', '1e3', '9007199254740992', 1.5, -1])
      refuses({ 'content-length': value }, 'content-length is');
  });

  it('knows close from words that hold it', () => {
    const closes = (value: string): boolean => new ResponseFields({ connection: value }).asksClose;
    expect(['close', 'Close', ' close ', 'a,close', 'close,a', 'a\tclose'].map(closes)).to.not.include(false);
    expect(['', 'keep-alive', 'closed', 'xclose', 'clos', 'not-close'].map(closes)).to.not.include(true);
    expect(new ResponseFields({ connection: ['close', 'a'] }).asksClose).to.equal(true);
  });

  it('tells which of its own fields the server need not add', () => {
    expect(new ResponseFields({ 'Content-TYPE': 'a', DATE: 'b', Server: 'c', uPgrade: 'd' })).to.deep.include({
      hasContentType: true,
      hasDate: true,
      hasServer: true,
      upgradeLine: 'uPgrade: d\r\n',
      lines: 'Content-TYPE: a\r\nDATE: b\r\nServer: c\r\n',
    });
    expect(new ResponseFields({ 'x-date': 'b' })).to.include({
      hasContentType: false,
      hasDate: false,
      hasServer: false,
      upgradeLine: '',
    });
  });

  it('takes names that every object has', () => {
    expect(linesOf([['__proto__', 'a'] as const, ['constructor', 'b'] as const])).to.equal('__proto__: a\r\nconstructor: b\r\n');
  });

  it('knows its own names though a thousand others came before', () => {
    for (let index = 0; index < 2_000; index++) linesOf({ [`made-up-${index}`]: 'x' });
    expect(new ResponseFields({ 'CONTENT-Length': '7', 'TRANSFER-encoding': 'x' })).to.include({ contentLength: 7, lines: '' });
  });

  it('lets no line end through, whatever it is given', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (headers) => {
        let lines: string;
        try {
          lines = linesOf(headers);
        } catch (error) {
          expect(error).to.have.property('code', 'RHK_BAD_HEADER');
          return;
        }
        expect(lines).to.match(/^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)*$/);
      }),
    );
  });
});

describe('statusLine', () => {
  it('has the registered phrase, or an empty one', () => {
    expect(statusLine(200)).to.equal('HTTP/1.1 200 OK\r\n');
    expect(statusLine(299)).to.equal('HTTP/1.1 299 \r\n');
    for (const status of Object.keys(STATUS_CODES).map(Number)) {
      if (status >= 200) expect(statusLine(status)).to.equal(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`);
    }
  });

  it('refuses what is no final status, also when that status was sent before', () => {
    statusLine(204);
    for (const status of [
      0,
      99,
      100,
      101,
      199,
      600,
      1_000,
      -200,
      200.5,
      NaN,
      Infinity,
      '204',
      '200',
      'length',
      'push',
      '__proto__',
      null,
      undefined,
      [200],
    ]) {
      expect(() => statusLine(status as number), String(status)) // what an untyped handler may say
        .to.throw(HandlerError)
        .with.property('code', 'RHK_BAD_STATUS');
    }
    expect(() => statusLine('204' as unknown as number)).to.throw('status of a reply is "204", must be an integer');
  });
});

describe('the rest of a response', () => {
  it('has no content with 204 and 304 only', () => {
    const bodiless = Array.from({ length: 400 }, (_, index) => 200 + index).filter(isBodilessStatus);
    expect(bodiless).to.deep.equal([204, 304]);
  });

  it('writes chunk sizes in hexadecimal', () => {
    expect([1, 15, 16, 65_536].map(chunkSizeLine)).to.deep.equal(['1\r\n', 'f\r\n', '10\r\n', '10000\r\n']);
  });
});
