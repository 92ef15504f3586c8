import { expect } from 'chai';
import fc from 'fast-check';
import { type ErrorCode, ProtocolError } from '#src/errors.js';
import { type HeadLimits, RequestParser } from '#src/protocol/request-parser.js';

const LIMITS: HeadLimits = { maxLine: 8_192, maxHeaders: 100, maxHeadBytes: 65_536 };

/** Feeds `pieces` until the head is complete. Returns it as plain values, with how many octets were used of all. */
const feed = (parser: RequestParser, pieces: readonly Buffer[]) => {
  let used = 0;
  for (const piece of pieces) {
    used += parser.push(piece, 0);
    if (parser.head !== null) break;
  }
  const { head } = parser;
  if (head === null) return null;
  return {
    method: head.method,
    uri: head.uri,
    queryString: head.queryString,
    serverName: head.serverName,
    serverPort: head.serverPort,
    headers: { ...head.headers },
    minorVersion: head.minorVersion,
    contentLength: head.contentLength,
    isChunked: head.isChunked,
    keepAlive: head.keepAlive,
    expectsContinue: head.expectsContinue,
    asksUpgrade: head.asksUpgrade,
    fieldCount: head.fieldCount,
    byteLength: head.byteLength,
    used,
  };
};

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const piecesOf = (text: string, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts)].filter((cut) => cut > 0 && cut < text.length).sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytesOf(text.slice(from, at[index] ?? text.length)));
};
const byteByByte = (text: string): Buffer[] => Array.from(text, bytesOf);
const headOf = (text: string, cuts: readonly number[] = [], limits: HeadLimits = LIMITS) =>
  feed(new RequestParser(limits), piecesOf(text, cuts));

/** What becomes of `pieces`: `ok`, `unfinished`, or the code of the refusal. */
const fateOf = (pieces: readonly Buffer[], limits: HeadLimits = LIMITS): string => {
  try {
    return feed(new RequestParser(limits), pieces) === null ? 'unfinished' : 'ok';
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
};

/** Holds `text` to one fate: as a whole, cut in two at every offset, and byte by byte. */
const alwaysMeets = (text: string, fate: string, limits: HeadLimits = LIMITS): void => {
  expect(fateOf([bytesOf(text)], limits), 'as a whole').to.equal(fate);
  expect(fateOf(byteByByte(text), limits), 'byte by byte').to.equal(fate);
  for (let cut = 1; cut < text.length; cut++) expect(fateOf(piecesOf(text, [cut]), limits), `cut at ${cut}`).to.equal(fate);
};

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n`;
const line = (requestLine: string): string => `${requestLine}\r\nHost: x\r\n\r\n`;

const HEADS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 2\r\n\r\n',
  '\r\n\r\nGET /?x?y HTTP/1.1\r\nhost:[::1]:80\r\nA:\t b \t\r\nA: c\r\nCookie: d\r\ncookie: e\r\n\r\n',
  'PUT http://Host.example:81/p?q HTTP/1.1\r\nHost: other\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n',
  'OPTIONS * HTTP/1.0\r\nConnection: keep-alive, x\r\nEmpty:\r\n\r\n',
  'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: close , Upgrade\r\nUpgrade: websocket\r\n\r\n',
];

/** Code → requests that are refused with it. */
const REFUSALS: Partial<Record<ErrorCode, readonly string[]>> = {
  RHK_BAD_REQUEST_LINE: [
    line(' GET / HTTP/1.1'),
    line('GET  / HTTP/1.1'),
    line('GET /  HTTP/1.1'),
    line('GET / HTTP/1.1 '),
    line('GET / http/1.1'),
    line('GET / HTTP/1.x'),
    line('GET / HTTP/11'),
    line('GET / HTTP/1.10'),
    line('GET / HTTP/1,1'),
    line('G@T / HTTP/1.1'),
    line('GET\t/ HTTP/1.1'),
    line('GET /'), // HTTP/0.9
    line('GET / '),
    line('G\xcbT / HTTP/1.1'),
  ],
  RHK_BAD_LINE_END: [
    'GET / HTTP/1.1\nHost: x\r\n\r\n', // RFC 9112 §2.2: a bare LF is no line end here
    'GET / HTTP/1.1\r\nHost: x\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n\n',
    'GET / HTTP/1.1\r\nHost: x\r\r\n\r\n',
    'GET / HTTP/1.1\rHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nA: b\nc: d\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n', // no colon at all
    'GET / HTTP/1.1\r\nHost: x\r\n\rX',
    '\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    '\r\rGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET\r\n',
  ],
  RHK_BAD_TARGET: [
    line('GET /a#b HTTP/1.1'),
    line('GET /\xe9 HTTP/1.1'),
    line('GET /\x00 HTTP/1.1'),
    line('GET /\x7f HTTP/1.1'),
    line('GET /\t HTTP/1.1'),
    line('GET a HTTP/1.1'),
    line('GET * HTTP/1.1'),
    line('OPTIONS ** HTTP/1.1'),
    line('GET ?a HTTP/1.1'),
    line('GET http:///a HTTP/1.1'),
    line('GET http://:80/ HTTP/1.1'),
    line('GET http://user@x/ HTTP/1.1'),
    line('GET http://a\\b/ HTTP/1.1'),
    line('GET http://x:99999/ HTTP/1.1'),
    line('GET ftp://x/ HTTP/1.1'),
    line('GET //x HTTP/1.1').replace('//x', 'x:80'),
  ],
  RHK_BAD_FIELD_NAME: [
    get('A : b'), // RFC 9112 §5.1: no space before the colon
    get('A\t: b'),
    get(': b'),
    get('A(: b'),
    get('\xe2: b'),
    get('A\x00: b'),
    get('Content\xa0Length: 3'),
    get('A b: c'),
    get('"A": b'),
  ],
  RHK_BAD_FIELD_VALUE: [get('A: b\x00c'), get('A: \x01'), get('A: b\x7f'), get('A: b\x0bc'), get('A: \x0c'), get('A: \x1b[0m')],
  RHK_FOLDED_FIELD: [get('A: b\r\n c'), get('A: b\r\n\tc'), 'GET / HTTP/1.1\r\n Host: x\r\n\r\n', get('A: b\r\n ')],
  RHK_BAD_HOST: [
    'GET / HTTP/1.1\r\n\r\n',
    get('Host: x'), // RFC 9112 §3.2: a second one, equal or not
    get('host: y'),
    'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: ::1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: %zz\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n',
    'GET http://x/ HTTP/1.1\r\nHost: a b\r\n\r\n',
    'GET / HTTP/1.0\r\nHost: a b\r\n\r\n',
    'GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n',
  ],
  RHK_BAD_CONTENT_LENGTH: [
    get('Content-Length: 1\r\nContent-Length: 2'),
    get('Content-Length: 1\r\nContent-Length: 1'),
    get('Content-Length: 1, 1'),
    get('Content-Length:'),
    get('Content-Length: '),
    get('Content-Length: +1'),
    get('Content-Length: -1'),
    get('Content-Length: 0x5'), // Number('0x5') is 5
    get('Content-Length: 1e3'),
    get('Content-Length: 1.0'),
    get('Content-Length: 1_0'),
    get('Content-Length: 1 1'),
    get('Content-Length: \xb2'), // superscript two is a digit to Unicode
    get('Content-Length: 9007199254740992'), // one past the largest safe integer
    get('Content-Length: 18446744073709551617'), // 1 in 64 bits
    get('Content-Length: 5\xa0'), // trim() would take the NBSP
  ],
  RHK_BAD_TRANSFER_ENCODING: [
    get('Transfer-Encoding: chunked\r\nContent-Length: 1'),
    get('Content-Length: 1\r\nTransfer-Encoding: chunked'),
    get('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
    get('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked'),
    get('Transfer-Encoding:'),
    get('Transfer-Encoding: identity'),
    get('Transfer-Encoding: chunked, identity'),
    get('Transfer-Encoding: chunked, chunked'),
    get('Transfer-Encoding: chunked, gzip, chunked'),
    get('Transfer-Encoding: xchunked'),
    get('Transfer-Encoding: chunked;a=b'),
    get('Transfer-Encoding: "chunked"'),
    get('Transfer-Encoding: \xa0chunked'),
    get('Transfer-Encoding: ,chunked'),
    get('Transfer-Encoding: chunked,'),
    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
  ],
  RHK_UNKNOWN_TRANSFER_CODING: [get('Transfer-Encoding: gzip, chunked'), get('Transfer-Encoding: a,\tb ,CHUNKED')],
  RHK_UNKNOWN_EXPECTATION: [get('Expect: 200-ok'), get('Expect:'), get('Expect: 100-continue\r\nExpect: 100-continue')],
  RHK_UNKNOWN_METHOD: [line('get / HTTP/1.1'), line('Get / HTTP/1.1'), line('CONNECT x:80 HTTP/1.1'), line('m-search / HTTP/1.1')],
  RHK_UNKNOWN_VERSION: [line('GET / HTTP/2.0'), line('GET / HTTP/0.9'), line('PRI * HTTP/2.0')],
};

describe('RequestParser', () => {
  it('reads the same head wherever the bytes are cut', () => {
    for (const text of HEADS) {
      const whole = headOf(text);
      expect(whole, text).to.not.equal(null);
      expect(whole?.used).to.equal(text.length);
      for (let cut = 1; cut < text.length; cut++) expect(headOf(text, [cut]), `cut at ${cut}`).to.deep.equal(whole);
      for (let first = 1; first < text.length; first += 3) {
        for (let second = first + 1; second < text.length; second += 5) {
          expect(headOf(text, [first, second]), `cut at ${first} and ${second}`).to.deep.equal(whole);
        }
      }
      expect(feed(new RequestParser(LIMITS), byteByByte(text)), 'byte by byte').to.deep.equal(whole);
    }
  });

  it('reads the same head behind other bytes of its first piece, wherever it is cut', () => {
    for (const text of HEADS) {
      for (let cut = 1; cut < text.length; cut++) {
        const parser = new RequestParser(LIMITS);
        parser.push(bytesOf(`GET /before HTTP/1.1\r\n${text.slice(0, cut)}`), 22);
        const head = feed(parser, [bytesOf(text.slice(cut))]);
        expect(head, `cut at ${cut}`).to.deep.equal({ ...headOf(text), used: text.length - cut });
      }
    }
  });

  it('tells what the head says', () => {
    expect(headOf(HEADS[1])).to.deep.equal({
      method: 'POST',
      uri: '/a',
      queryString: 'b=c',
      serverName: 'example.com',
      serverPort: 8080,
      headers: { host: 'example.com:8080', 'content-length': '2' },
      minorVersion: 1,
      contentLength: 2,
      isChunked: false,
      keepAlive: true,
      expectsContinue: false,
      asksUpgrade: false,
      fieldCount: 2,
      byteLength: HEADS[1].length,
      used: HEADS[1].length,
    });
    expect(headOf(HEADS[2])).to.deep.include({
      queryString: 'x?y',
      serverName: '[::1]',
      serverPort: 80,
      headers: { host: '[::1]:80', a: 'b, c', cookie: 'd; e' },
    });
    expect(headOf(HEADS[3])).to.deep.include({ uri: '/p', queryString: 'q', serverName: 'Host.example', serverPort: 81, isChunked: true });
    expect(headOf(HEADS[3])).to.deep.include({ expectsContinue: true, contentLength: -1 });
    expect(headOf(HEADS[4])).to.deep.include({ uri: '*', minorVersion: 0, keepAlive: true, serverName: '', serverPort: undefined });
    expect(headOf(HEADS[5])).to.deep.include({ keepAlive: false, asksUpgrade: true });
  });

  it('leaves what stands behind the head', () => {
    for (const text of HEADS) {
      for (let cut = 0; cut < text.length; cut += 7) {
        expect(headOf(`${text}GET /next`, [cut])?.used, `cut at ${cut}`).to.equal(text.length);
      }
      const parser = new RequestParser(LIMITS);
      expect(parser.push(bytesOf(`junk${text}rest`), 4)).to.equal(4 + text.length);
      expect(parser.head?.byteLength).to.equal(text.length);
    }
  });

  it('knows when a head has begun', () => {
    const parser = new RequestParser(LIMITS);
    expect(parser.isInHead).to.equal(false);
    parser.push(bytesOf('\r\n\r'), 0); // RFC 9112 §2.2: empty lines before a request are no part of it
    expect(parser.isInHead).to.equal(false);
    parser.push(bytesOf('\nG'), 0);
    expect(parser.isInHead).to.equal(true);
  });

  describe('refuses with', () => {
    for (const [code, texts] of Object.entries(REFUSALS)) {
      it(`${code}, wherever the bytes are cut`, () => {
        for (const text of texts) {
          try {
            alwaysMeets(text, code);
          } catch (error) {
            throw new Error(`${JSON.stringify(text)}: ${(error as Error).message}`, { cause: error });
          }
        }
      });
    }
  });

  it('reads a content-length to the last digit', () => {
    for (const length of [0, 9, 4_294_967_296, Number.MAX_SAFE_INTEGER - 6, Number.MAX_SAFE_INTEGER]) {
      expect(headOf(get(`Content-Length: ${length}`))?.contentLength).to.equal(length);
    }
  });

  it('takes a higher minor version for the highest that it knows, RFC 9110 §2.5', () => {
    expect(headOf(line('GET / HTTP/1.2'))).to.include({ minorVersion: 1, keepAlive: true });
    alwaysMeets(line('GET / HTTP/1.9'), 'ok');
    alwaysMeets('GET / HTTP/1.2\r\n\r\n', 'RHK_BAD_HOST');
  });

  it('takes what looks wrong and is legal', () => {
    for (const text of [
      line('M-SEARCH /a|b{c}^"`\\ HTTP/1.1'),
      line('GET //x HTTP/1.1'),
      line('OPTIONS http://x HTTP/1.1'),
      get('Content-Length: 00000000000000000000000000000000005'),
      get('Content-Length: 9007199254740991'),
      get('A: caf\xe9 \x80\xff'),
      get('A:'),
      get("!#$%&'*+-.^_`|~09azAZ: b"),
      'GET / HTTP/1.1\r\nHost:\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a_b%20!:\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'POST / HTTP/1.0\r\nExpect: whatever\r\n\r\n',
    ]) {
      alwaysMeets(text, 'ok');
    }
  });

  describe('limits', () => {
    const limits: HeadLimits = { maxLine: 40, maxHeaders: 4, maxHeadBytes: 200 };
    const requestLine = (length: number): string => `GET /${'a'.repeat(length - 14)} HTTP/1.1`;
    const fieldLine = (length: number): string => `A: ${'b'.repeat(length - 3)}`;

    it('maxLine of a request line', () => {
      alwaysMeets(line(requestLine(40)), 'ok', limits);
      alwaysMeets(line(requestLine(41)), 'RHK_LINE_TOO_LONG', limits);
      alwaysMeets('A'.repeat(42), 'RHK_LINE_TOO_LONG', limits);
      alwaysMeets('A'.repeat(41), 'unfinished', limits); // its CRLF may be to come, its refusal can wait
    });

    it('maxLine of a field line, its padding included', () => {
      alwaysMeets(get(fieldLine(40)), 'ok', limits);
      alwaysMeets(get(fieldLine(41)), 'RHK_LINE_TOO_LONG', limits);
      alwaysMeets(get(`A:${' '.repeat(37)}b`), 'ok', limits);
      alwaysMeets(get(`A:${' '.repeat(38)}b`), 'RHK_LINE_TOO_LONG', limits);
      alwaysMeets(get(`A: b${' '.repeat(37)}`), 'RHK_LINE_TOO_LONG', limits);
      alwaysMeets(`GET / HTTP/1.1\r\n${'a'.repeat(42)}`, 'RHK_LINE_TOO_LONG', limits);
    });

    it('maxHeaders', () => {
      alwaysMeets(get('A: b\r\nA: b\r\nA: b'), 'ok', limits);
      alwaysMeets(get('A: b\r\nA: b\r\nA: b\r\nA: b'), 'RHK_TOO_MANY_FIELDS', limits);
    });

    it('maxHeadBytes, from the first octet through the last', () => {
      const head = get(`${fieldLine(40)}\r\n${fieldLine(40)}`);
      alwaysMeets(head, 'ok', { ...limits, maxHeadBytes: head.length });
      alwaysMeets(head, 'RHK_HEAD_TOO_LARGE', { ...limits, maxHeadBytes: head.length - 1 });
      alwaysMeets(`\r\n${head}`, 'ok', { ...limits, maxHeadBytes: head.length + 2 });
      alwaysMeets(`\r\n${head}`, 'RHK_HEAD_TOO_LARGE', { ...limits, maxHeadBytes: head.length + 1 });
      alwaysMeets('\r\n'.repeat(100), 'RHK_HEAD_TOO_LARGE', limits);
    });

    it('maxHeadBytes, however much comes behind them', () => {
      const lines = `${fieldLine(20)}\r\n`.repeat(30);
      const many = { ...limits, maxHeaders: 100 };
      alwaysMeets(get(lines), 'RHK_HEAD_TOO_LARGE', many);
      const head = get(fieldLine(40));
      alwaysMeets(head + 'x'.repeat(500), 'ok', { ...limits, maxHeadBytes: head.length });
    });

    it('maxHeadBytes within the request line is a line that is too long', () => {
      alwaysMeets(line(requestLine(100)), 'RHK_LINE_TOO_LONG', { maxLine: 1_000, maxHeaders: 4, maxHeadBytes: 64 });
    });
  });

  it('does the same work for a head that comes byte by byte', () => {
    const text = get(Array.from({ length: 90 }, (_, index) => `Field-${index}: ${'v'.repeat(300)}`).join('\r\n'));
    const copied = countCopies(() => {
      const parser = new RequestParser(LIMITS);
      let fed = 0;
      for (const byte of byteByByte(text)) {
        parser.push(byte, 0);
        fed++;
        expect(parser['index'], 'the scan goes on where it stopped').to.equal(fed);
      }
      expect(parser.head).to.not.equal(null);
    });
    expect(copied, 'octets copied').to.be.at.most(3 * text.length);
  });

  describe('after reset', () => {
    const texts = [...HEADS, get('Upgrade: x\r\nConnection: upgrade, keep-alive'), 'GET / HTTP/1.0\r\n\r\n'];

    it('reads a head as if it were the first', () => {
      for (const before of texts) {
        for (const text of texts) {
          const parser = new RequestParser(LIMITS);
          feed(parser, [bytesOf(before)]);
          parser.reset();
          expect(feed(parser, piecesOf(text, [9])), `${JSON.stringify(before)}, then`).to.deep.equal(headOf(text));
        }
      }
    });

    it('keeps nothing of a head that was refused', () => {
      for (const refusals of Object.values(REFUSALS)) {
        for (const refused of refusals) {
          const parser = new RequestParser(LIMITS);
          expect(() => feed(parser, piecesOf(refused, [20]))).to.throw(ProtocolError);
          parser.reset();
          expect(parser.isInHead).to.equal(false);
          for (const text of texts) {
            expect(feed(parser, piecesOf(text, [5])), JSON.stringify(refused)).to.deep.equal(headOf(text));
            parser.reset();
          }
        }
      }
    });

    it('does not touch the head that it gave away', () => {
      const parser = new RequestParser(LIMITS);
      parser.push(bytesOf(HEADS[1]), 0);
      const { head } = parser;
      parser.reset();
      feed(parser, byteByByte(HEADS[5]));
      expect(head).to.include({ method: 'POST', uri: '/a', queryString: 'b=c', contentLength: 2 });
      expect(head?.headers).to.include({ host: 'example.com:8080' });
    });
  });

  it('reads back any legal head, cut anywhere', () => {
    fc.assert(
      fc.property(legalHead, fc.array(fc.nat(400), { maxLength: 6 }), ({ text, expected }, cuts) => {
        expect(headOf(text, cuts)).to.deep.include(expected);
        expect(headOf(text, cuts)?.used).to.equal(text.length);
      }),
    );
  });

  it('reads one head after another as fresh parsers do', () => {
    fc.assert(
      fc.property(fc.array(legalHead, { minLength: 2, maxLength: 4 }), fc.nat(100), (heads, cut) => {
        const parser = new RequestParser(LIMITS);
        for (const { text } of heads) {
          expect(feed(parser, piecesOf(text, [cut]))).to.deep.equal(headOf(text));
          parser.reset();
        }
      }),
    );
  });

  it('never fails but with a ProtocolError, whatever comes', () => {
    const start = fc.constantFrom('', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n', 'POST http://');
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc
        .array(fc.constantFrom('\r\n', '\r', '\n', ':', ' ', 'Host', 'x', '\t', 'chunked', ','), { maxLength: 20 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(start, noise, fc.nat(80), (before, rest, cut) => {
        const text = before + rest;
        expect(fateOf(piecesOf(text, [cut])), 'cut').to.equal(fateOf([bytesOf(text)]));
      }),
      { numRuns: 500 },
    );
  });

  it('is not misled by what JavaScript takes for equal', () => {
    // The Kelvin sign cannot come as one octet; its UTF-8 octets must not be taken for a k either.
    alwaysMeets('GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chun\xe2\x84\xaaed\r\n\r\n', 'RHK_BAD_TRANSFER_ENCODING');
    alwaysMeets(get('Transfer-Encoding: chunk\x05d'), 'RHK_BAD_FIELD_VALUE');
    const text = get('__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n__proto__: d\r\ntoString: e\r\nX: \xa0y\xa0');
    const parser = new RequestParser(LIMITS);
    parser.push(bytesOf(text), 0);
    const headers = parser.head?.headers ?? {};
    expect(Object.getPrototypeOf(headers)).to.equal(null);
    expect(Object.entries(headers)).to.deep.equal([
      ['host', 'x'],
      ['__proto__', 'a, d'],
      ['constructor', 'b'],
      ['hasownproperty', 'c'],
      ['tostring', 'e'],
      ['x', '\xa0y\xa0'],
    ]);
  });

  it('compares framing names letter by letter', () => {
    // 0x20 apart from a letter, and no letter: what a careless case fold takes for the name.
    expect(headOf(get('\x43ontent-Length: 5'))?.contentLength).to.equal(5);
    for (const name of ['Content\x0dLength', 'Content\x2eLength', 'Transfer\x2eEncoding', 'HOST\x2e', 'ho\x53t-']) {
      const head = fateOf([bytesOf(get(`${name}: chunked`))]);
      expect(['ok', 'RHK_BAD_LINE_END']).to.include(head);
    }
    expect(headOf(get('Content.Length: 5'))?.contentLength).to.equal(-1);
    expect(headOf(get('Transfer.Encoding: chunked'))?.isChunked).to.equal(false);
    expect(headOf(get('Expect: 100\r-continue'.replace('\r', '')))?.expectsContinue).to.equal(true);
    alwaysMeets(get('Expect: 100\x0dcontinue'), 'RHK_BAD_LINE_END');
    alwaysMeets(get('Expect: \x11\x10\x10-continue'), 'RHK_BAD_FIELD_VALUE');
  });
});

const TCHARS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const string = (characters: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...characters), { minLength, maxLength }).map((chars) => chars.join(''));
const range = (first: number, last: number): string =>
  String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, index) => first + index));

const blank = string(' \t', 0, 3);
const name = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'Cookie', 'X-A'),
  string(TCHARS, 1, 12).map((text) => `X${text}`),
);
const value = string(`\t ${range(0x21, 0x7e)}${range(0x80, 0xff)}`, 0, 20).map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const field = fc.record({ name, value, before: blank, after: blank });

const joined = (fields: readonly { name: string; value: string }[]): Record<string, string> => {
  const map = new Map<string, string[]>();
  for (const { name, value } of fields) map.set(name.toLowerCase(), [...(map.get(name.toLowerCase()) ?? []), value]);
  return Object.fromEntries([...map].map(([name, values]) => [name, values.join(name === 'cookie' ? '; ' : ', ')]));
};

const legalHead = fc
  .record({
    empty: fc.constantFrom('', '\r\n', '\r\n\r\n'),
    method: fc
      .oneof(fc.constantFrom('GET', 'POST', 'DELETE'), string('ABCDEFGHIJKLMNOPQRSTUVWXYZ-_!', 1, 8))
      .filter((method) => method !== 'CONNECT'),
    path: string(`${range(0x21, 0x22)}${range(0x24, 0x3e)}${range(0x40, 0x7e)}`, 0, 30).map((text) => `/${text}`),
    query: fc.option(string(`${range(0x21, 0x22)}${range(0x24, 0x7e)}`, 0, 20), { nil: undefined }),
    host: fc.constantFrom('x', 'example.com:8080', '[::1]', ''),
    fields: fc.array(field, { maxLength: 8 }),
  })
  .map(({ empty, method, path, query, host, fields }) => {
    const lines = [{ name: 'Host', value: host, before: ' ', after: '' }, ...fields];
    return {
      text: `${empty}${method} ${path}${query === undefined ? '' : `?${query}`} HTTP/1.1\r\n${lines
        .map(({ name, value, before, after }) => `${name}:${before}${value}${after}\r\n`)
        .join('')}\r\n`,
      expected: { method, uri: path, queryString: query, headers: joined(lines), fieldCount: lines.length },
    };
  });

/** Octets that `action` moves from buffer to buffer. */
const countCopies = (action: () => void): number => {
  // Kept to be put back and called with its own `this`, never called bare.
  const copy = Object.getOwnPropertyDescriptor(Buffer.prototype, 'copy') as PropertyDescriptor;
  let octets = 0;
  Buffer.prototype.copy = function counted(this: Buffer, ...values: Parameters<Buffer['copy']>): number {
    const moved = (copy.value as Buffer['copy']).apply(this, values);
    octets += moved;
    return moved;
  };
  try {
    action();
  } finally {
    Object.defineProperty(Buffer.prototype, 'copy', copy);
  }
  return octets;
};
