import { expect } from 'chai';
import { ReplyReader } from '#src/protocol/reply-reader.js';

/** All that a reader tells; neighbouring pieces are joined, as where they are cut is not a promise. */
class Log {
  readonly lines: string[];
  readonly reader: ReplyReader;

  constructor(...methods: string[]) {
    this.lines = [];
    this.reader = new ReplyReader(
      {
        onHead: ({ status, reason, headers }) => this.lines.push(`${status} ${reason} ${JSON.stringify(headers)}`),
        onPiece: (bytes) => this.join('piece ', bytes),
        onTrailers: (fields) => this.lines.push(`trailers ${JSON.stringify(fields)}`),
        onEnd: () => this.lines.push('end'),
        onUpgraded: (bytes) => this.join('upgraded ', bytes),
      },
      () => methods.shift() ?? 'GET',
    );
  }

  push(text: string): this {
    this.reader.push(Buffer.from(text, 'latin1'));
    return this;
  }

  private join(word: string, bytes: Buffer): void {
    const text = bytes.toString('latin1');
    const last = this.lines.at(-1);
    if (last?.startsWith(word) === true) this.lines[this.lines.length - 1] = last + text;
    else this.lines.push(word + text);
  }
}

const OK = 'HTTP/1.1 200 OK\r\n';
const NEXT = 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n';
const NEXT_LINES = ['202 Accepted {"content-length":"0"}', 'end'];

describe('ReplyReader', () => {
  const cases: Readonly<Record<string, { text: string; methods?: string[]; lines: readonly string[]; atEnd?: readonly string[] }>> = {
    'a length': {
      text: `${OK}Content-Length: 5\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nVary: a\r\nvary: b\r\n\r\nhello${NEXT}`,
      lines: ['200 OK {"content-length":"5","set-cookie":"a=1\\nb=2","vary":"a, b"}', 'piece hello', 'end', ...NEXT_LINES],
    },
    'the length 0, and no fields but that': {
      text: `${OK}content-length: 0\r\n\r\n${NEXT}`,
      lines: ['200 OK {"content-length":"0"}', 'end', ...NEXT_LINES],
    },
    chunks: {
      text: `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0A\r\n0123\r\n6789\r\n0\r\n\r\n${NEXT}`,
      lines: ['200 OK {"transfer-encoding":"chunked"}', 'piece hello0123\r\n6789', 'end', ...NEXT_LINES],
    },
    'chunks with trailers': {
      text: `${OK}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: 1\r\nb: 2\r\n\r\n${NEXT}`,
      lines: ['200 OK {"transfer-encoding":"chunked"}', 'piece x', 'trailers {"digest":"1","b":"2"}', 'end', ...NEXT_LINES],
    },
    'the end of the connection': {
      text: `${OK}connection: close\r\n\r\nHTTP/1.1 is in the body\r\n\r\n`,
      lines: ['200 OK {"connection":"close"}', 'piece HTTP/1.1 is in the body\r\n\r\n'],
      atEnd: ['end'],
    },
    'nothing: it answers HEAD': {
      text: `${OK}content-length: 5\r\n\r\n${NEXT}`,
      methods: ['HEAD', 'GET'],
      lines: ['200 OK {"content-length":"5"}', 'end', ...NEXT_LINES],
    },
    'nothing: it answers HEAD, and would be chunked': {
      text: `${OK}transfer-encoding: chunked\r\n\r\n${NEXT}`,
      methods: ['HEAD', 'GET'],
      lines: ['200 OK {"transfer-encoding":"chunked"}', 'end', ...NEXT_LINES],
    },
    'nothing: 204': { text: `HTTP/1.1 204 No Content\r\n\r\n${NEXT}`, lines: ['204 No Content {}', 'end', ...NEXT_LINES] },
    'nothing: 304': {
      text: `HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n${NEXT}`,
      lines: ['304 Not Modified {"content-length":"7"}', 'end', ...NEXT_LINES],
    },
    'a 1xx before it, which answers no method': {
      text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${OK}content-length: 9\r\n\r\n${NEXT}`,
      methods: ['HEAD', 'GET'],
      lines: ['100 Continue {}', '103 Early Hints {"link":"</a>"}', '200 OK {"content-length":"9"}', 'end', ...NEXT_LINES],
    },
    'frames behind a 101': {
      text: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n\x81\x02hi\x88\x00',
      lines: ['101 Switching Protocols {"upgrade":"websocket"}', 'upgraded \x81\x02hi\x88\x00'],
    },
    'no reason': {
      text: `HTTP/1.1 299 \r\ncontent-length: 1\r\n\r\nx${NEXT}`,
      lines: ['299  {"content-length":"1"}', 'piece x', 'end', ...NEXT_LINES],
    },
  };

  for (const [fact, { text, methods = [], lines, atEnd = [] }] of Object.entries(cases)) {
    it(`reads a reply that ends with ${fact}, wherever the bytes are cut`, () => {
      for (let cut = 0; cut < text.length; cut++) {
        const log = new Log(...methods).push(text.slice(0, cut)).push(text.slice(cut));
        expect(log.lines, `cut at ${cut}`).to.deep.equal(lines);
        expect(log.reader.isInside, `cut at ${cut}`).to.equal(false);
        log.reader.end();
        expect(log.lines, `cut at ${cut}`).to.deep.equal([...lines, ...atEnd]);
      }
      const drop = new Log(...methods);
      for (const octet of text) drop.push(octet);
      expect(drop.lines, 'byte by byte').to.deep.equal(lines);
    });
  }

  it('tells a piece before its chunk, and its reply, is whole', () => {
    const log = new Log().push(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhe`);
    expect(log.lines.at(-1)).to.equal('piece he');
    expect(new Log().push(`${OK}content-length: 5\r\n\r\nhe`).lines.at(-1)).to.equal('piece he');
  });

  it('tells when it is inside a reply, at every byte', () => {
    for (const text of [`${OK}content-length: 2\r\n\r\nhi`, `${OK}transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`]) {
      const { reader } = new Log();
      expect(reader.isInside).to.equal(false);
      for (let i = 0; i < text.length; i++) {
        reader.push(Buffer.from(text[i], 'latin1'));
        expect(reader.isInside, `${i + 1} of ${text.length}`).to.equal(i < text.length - 1);
      }
    }
  });

  it('is not ended by the connection where that is no end', () => {
    const log = new Log().push(`${OK}content-length: 5\r\n\r\nhe`);
    log.reader.end();
    expect(log.lines).to.deep.equal(['200 OK {"content-length":"5"}', 'piece he']);
    expect(log.reader.isInside).to.equal(true);
  });

  const wrong: readonly (readonly [fact: string, text: string, message: string])[] = [
    ['a status line of another version', 'HTTP/1.0 200 OK\r\n\r\n', 'the server sent "HTTP/1.0 200 OK" for a status line, RFC 9112 §4'],
    ['a status line without a blank behind the status', 'HTTP/1.1 200\r\n\r\n', '"HTTP/1.1 200" for a status line'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'for a status line'],
    ['a field line without a colon', `${OK}nonsense\r\n\r\n`, 'the server sent the field line "nonsense", RFC 9112 §5'],
    ['a field line without a name', `${OK}: x\r\n\r\n`, 'the server sent the field line ": x", RFC 9112 §5'],
    ['a blank before the colon', `${OK}a : x\r\n\r\n`, 'the server sent the field line "a : x", RFC 9112 §5'],
    ['a folded field line', `${OK}a: x\r\n y: z\r\n\r\n`, 'the server sent the field line " y: z", RFC 9112 §5'],
    ['a length that is none', `${OK}content-length: five\r\n\r\nhello`, 'the server sent the content-length "five", RFC 9110 §8.6'],
    ['two lengths', `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`, 'the server sent the content-length "5, 5"'],
    ['a length of chunks', `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`, '"chunked" and content-length, RFC 9112 §6.1'],
    ['another coding', `${OK}transfer-encoding: gzip\r\n\r\n`, 'the server sent transfer-encoding "gzip", RFC 9112 §6.1'],
    ['a chunk size that is none', `${OK}transfer-encoding: chunked\r\n\r\nx\r\n`, 'the server sent the chunk size "x", RFC 9112 §7.1'],
    [
      'a chunk longer than its size',
      `${OK}transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n`,
      'the server sent "llo" behind the data of a chunk, RFC 9112 §7.1',
    ],
    ['a body behind a 204', 'HTTP/1.1 204 No Content\r\n\r\nhello\r\n\r\n', 'the server sent "hello" for a status line'],
  ];
  for (const [fact, text, message] of wrong) {
    it(`refuses ${fact}, wherever the bytes are cut`, () => {
      for (let cut = 0; cut < text.length; cut++) {
        expect(() => new Log().push(text.slice(0, cut)).push(text.slice(cut)), `cut at ${cut}`).to.throw(Error, message);
      }
    });
  }
});
