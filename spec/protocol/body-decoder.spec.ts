import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from '#src/protocol/body-decoder.js';
import type { HeadLimits } from '#src/protocol/request-parser.js';

const LIMITS: HeadLimits = { maxLine: 8_192, maxHeaders: 100, maxHeadBytes: 65_536 };
const MAX_OVERHEAD_BYTES = 16_384;

/** Decodes `pieces`, as a connection does: until the decoder is done or nothing is left. */
const decode = (decoder: BodyDecoder, pieces: readonly Buffer[]) => {
  const data: Buffer[] = [];
  let used = 0;
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length && !decoder.isDone) {
      const from = at;
      at = decoder.next(piece, from);
      expect(at, 'goes on').to.be.greaterThan(from);
      if (decoder.data !== null) data.push(decoder.data);
    }
    used += at;
  }
  const body = Buffer.concat(data);
  return {
    body: body.toString('latin1'),
    used,
    isDone: decoder.isDone,
    announced: decoder.announced,
    remaining: decoder.remaining,
    trailers: decoder.trailers === undefined ? undefined : { ...decoder.trailers },
  };
};

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const piecesOf = (text: string, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts)].filter((cut) => cut > 0 && cut < text.length).sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytesOf(text.slice(from, at[index] ?? text.length)));
};
const byteByByte = (text: string): Buffer[] => Array.from(text, bytesOf);

const chunked = (text: string, cuts: readonly number[] = [], limits: HeadLimits = LIMITS) =>
  decode(new ChunkedDecoder(limits), piecesOf(text, cuts));

/** `ok`, `unfinished`, or the code of the refusal. */
const fateOf = (pieces: readonly Buffer[], limits: HeadLimits): string => {
  try {
    return decode(new ChunkedDecoder(limits), pieces).isDone ? 'ok' : 'unfinished';
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    return (error as ProtocolError).code;
  }
};

const alwaysMeets = (text: string, fate: string, limits: HeadLimits = LIMITS): void => {
  const shown = JSON.stringify(text.slice(0, 60));
  expect(fateOf([bytesOf(text)], limits), `${shown} as a whole`).to.equal(fate);
  expect(fateOf(byteByByte(text), limits), `${shown} byte by byte`).to.equal(fate);
  if (text.length > 1_000) return; // every cut of those would take a minute, and the bytes are all alike
  for (let cut = 1; cut < text.length; cut++) expect(fateOf(piecesOf(text, [cut]), limits), `${shown} cut at ${cut}`).to.equal(fate);
};

describe('LengthDecoder', () => {
  it('takes so many octets and no more, wherever they are cut', () => {
    const text = 'hello, world';
    for (let cut = 0; cut <= text.length; cut++) {
      expect(decode(new LengthDecoder(5), piecesOf(text, [cut])), `cut at ${cut}`).to.deep.equal({
        body: 'hello',
        used: 5,
        isDone: true,
        announced: 5,
        remaining: 0,
        trailers: undefined,
      });
    }
    expect(decode(new LengthDecoder(5), byteByByte(text))).to.include({ body: 'hello', used: 5 });
  });

  it('tells what is missing', () => {
    expect(decode(new LengthDecoder(20), [bytesOf('hello')])).to.include({ isDone: false, announced: 20, remaining: 15 });
  });

  it('gives views, and a whole piece as it is', () => {
    const decoder = new LengthDecoder(8);
    const bytes = bytesOf('abcd');
    decoder.next(bytes, 0);
    expect(decoder.data).to.equal(bytes);
    decoder.next(bytesOf('xxef'), 2);
    expect(decoder.data?.toString()).to.equal('ef');
  });

  it('reads any body, cut anywhere', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.array(fc.nat(50)), (body, behind, cuts) => {
        const bytes = Buffer.from(body).toString('latin1');
        const decoded = decode(new LengthDecoder(bytes.length), piecesOf(bytes + Buffer.from(behind).toString('latin1'), cuts));
        expect(decoded).to.include({ body: bytes, used: bytes.length, isDone: true });
      }),
    );
  });
});

describe('ChunkedDecoder', () => {
  const BODIES: Readonly<Record<string, { body: string; trailers?: Record<string, string> }>> = {
    '0\r\n\r\n': { body: '' },
    '5\r\nhello\r\n0\r\n\r\n': { body: 'hello' },
    '1\r\na\r\n00A\r\n0123456789\r\n2\r\nbc\r\n000\r\n\r\n': { body: 'a0123456789bc' },
    '5;a;b=c;d="e\\"\\;\\\\ f" ; g = h\r\nhello\r\n0;x\r\n\r\n': { body: 'hello' },
    '2\r\n\r\n\r\n0\r\nA: b\r\na:\t c \r\n__proto__: d\r\n\r\n': { body: '\r\n', trailers: { a: 'b, c', ['__proto__']: 'd' } },
    '1 ;a=""\r\n0\r\n0\r\nContent-Length: 5\r\n\r\n': { body: '0', trailers: { 'content-length': '5' } },
  };

  it('reads the same body wherever the bytes are cut', () => {
    for (const [text, { body, trailers }] of Object.entries(BODIES)) {
      const expected = { body, trailers, used: text.length, isDone: true, announced: body.length, remaining: 0 };
      expect(chunked(text), text).to.deep.equal(expected);
      for (let cut = 1; cut < text.length; cut++) expect(chunked(text, [cut]), `${text} cut at ${cut}`).to.deep.equal(expected);
      expect(decode(new ChunkedDecoder(LIMITS), byteByByte(text)), text).to.deep.equal(expected);
    }
  });

  it('leaves what stands behind the body', () => {
    for (const text of Object.keys(BODIES)) {
      for (let cut = 0; cut < text.length; cut++) expect(chunked(`${text}GET /`, [cut]).used, `cut at ${cut}`).to.equal(text.length);
    }
  });

  it('gives at most one piece at a time, a view', () => {
    const decoder = new ChunkedDecoder(LIMITS);
    const bytes = bytesOf('1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
    let at = decoder.next(bytes, 0);
    expect([at, decoder.data?.toString()]).to.deep.equal([4, 'a']);
    expect(decoder.data?.buffer).to.equal(bytes.buffer);
    at = decoder.next(bytes, at);
    expect([at, decoder.data?.toString()]).to.deep.equal([10, 'b']);
    expect(decoder.next(bytes, at)).to.equal(bytes.length);
    expect(decoder.data).to.equal(null);
  });

  it('announces a chunk before its data comes', () => {
    expect(chunked('5\r\nhello\r\nffff\r\n')).to.include({ announced: 5 + 0xffff, remaining: Infinity, isDone: false });
  });

  it('has trailers only where the body had some, in a map without prototype', () => {
    expect(chunked('0\r\n\r\n').trailers).to.equal(undefined);
    const decoder = new ChunkedDecoder(LIMITS);
    decode(decoder, [bytesOf('0\r\nconstructor: a\r\n\r\n')]);
    expect(Object.getPrototypeOf(decoder.trailers)).to.equal(null);
    expect(decoder.trailers).to.have.property('constructor', 'a');
  });

  it('refuses malformed chunks', () => {
    for (const text of [
      '\r\n',
      ' 5\r\nhello\r\n',
      'g\r\n',
      '-5\r\nhello\r\n',
      '+5\r\nhello\r\n',
      '0x5\r\nhello\r\n', // parseInt and Number would read it
      '5 \r\nhello\r\n',
      '5\t\r\nhello\r\n',
      '5\xa0\r\nhello\r\n',
      '5\nhello\r\n',
      '5\rhello\r\n',
      '5\r\r\nhello\r\n',
      '5\r\nhello0\r\n',
      '5\r\nhello\n0\r\n\r\n',
      '5\r\nhello\rx',
      '5\r\nhell\r\n0\r\n\r\n',
      '5_0\r\nhello\r\n',
      '5,\r\nhello\r\n',
      '20000000000000\r\n', // one past the largest safe integer
      'fffffffffffffffff\r\n',
      '10000000000000005\r\nhello\r\n', // 5 in 64 bits
      '5;\r\nhello\r\n',
      '5; \r\nhello\r\n',
      '5;a=\r\nhello\r\n',
      '5;a b\r\nhello\r\n',
      '5;a=b c\r\nhello\r\n',
      '5;=b\r\nhello\r\n',
      '5;a="b\r\nhello\r\n',
      '5;a="b"c\r\nhello\r\n',
      '5;a="\x00"\r\nhello\r\n',
      '5;a="\\\x00"\r\nhello\r\n',
      '5;a\n\r\nhello\r\n',
      '5;a\x00\r\nhello\r\n',
      '5;\xe9\r\nhello\r\n',
      '5;a;;b\r\nhello\r\n',
      '5;a \r\nhello\r\n',
    ]) {
      alwaysMeets(text, 'RHK_BAD_CHUNK');
    }
  });

  it('takes the largest size that is exact', () => {
    expect(chunked('1fffffffffffff\r\n').announced).to.equal(Number.MAX_SAFE_INTEGER);
  });

  it('refuses malformed trailers as malformed fields', () => {
    alwaysMeets('0\r\nA : b\r\n\r\n', 'RHK_BAD_FIELD_NAME');
    alwaysMeets('0\r\nA: b\r\n c\r\n\r\n', 'RHK_FOLDED_FIELD');
    alwaysMeets('0\r\nA: b\nC: d\r\n\r\n', 'RHK_BAD_LINE_END');
    alwaysMeets('0\r\nA: \x00\r\n\r\n', 'RHK_BAD_FIELD_VALUE');
    alwaysMeets('0\r\n\n', 'RHK_BAD_LINE_END');
    alwaysMeets('0\r\nGET / HTTP/1.1\r\n\r\n', 'RHK_BAD_FIELD_NAME');
  });

  it('gives the trailers what the head has left of its budgets', () => {
    const trailers = '0\r\nA: b\r\nC: d\r\n\r\n';
    const size = 'A: b\r\nC: d\r\n\r\n'.length;
    alwaysMeets(trailers, 'ok', { maxLine: 4, maxHeaders: 2, maxHeadBytes: size });
    alwaysMeets(trailers, 'RHK_LINE_TOO_LONG', { maxLine: 3, maxHeaders: 2, maxHeadBytes: size });
    alwaysMeets(trailers, 'RHK_TOO_MANY_FIELDS', { maxLine: 4, maxHeaders: 1, maxHeadBytes: size });
    alwaysMeets(trailers, 'RHK_HEAD_TOO_LARGE', { maxLine: 4, maxHeaders: 2, maxHeadBytes: size - 1 });
    alwaysMeets('0\r\n\r\n', 'ok', { maxLine: 14, maxHeaders: 0, maxHeadBytes: 2 });
  });

  describe('the budget of what stands around chunks', () => {
    const within = (overhead: number): string => `1;${'a'.repeat(overhead - 1)}\r\nx\r\n0\r\n\r\n`;

    it('counts the octets of extensions, their semicolons included', () => {
      alwaysMeets(within(MAX_OVERHEAD_BYTES - 1), 'ok');
      alwaysMeets(within(MAX_OVERHEAD_BYTES), 'ok');
      alwaysMeets(within(MAX_OVERHEAD_BYTES + 1), 'RHK_CHUNK_OVERHEAD');
      alwaysMeets(`1;a="${'b'.repeat(MAX_OVERHEAD_BYTES - 5)}"\r\nx\r\n0\r\n\r\n`, 'ok');
      alwaysMeets(`1;a="${'b'.repeat(MAX_OVERHEAD_BYTES - 4)}"\r\nx\r\n0\r\n\r\n`, 'RHK_CHUNK_OVERHEAD');
    });

    it('counts leading zeros', () => {
      alwaysMeets(`${'0'.repeat(MAX_OVERHEAD_BYTES)}1\r\nx\r\n0\r\n\r\n`, 'ok');
      alwaysMeets(`${'0'.repeat(MAX_OVERHEAD_BYTES + 1)}1\r\nx\r\n0\r\n\r\n`, 'RHK_CHUNK_OVERHEAD');
    });

    it('counts over the whole body', () => {
      const chunk = '1;abc=def\r\nx\r\n'; // eight octets of it
      const most = Math.floor(MAX_OVERHEAD_BYTES / 8);
      expect(chunked(chunk.repeat(most)).announced).to.equal(most);
      expect(() => chunked(chunk.repeat(most + 1)))
        .to.throw(ProtocolError)
        .with.property('code', 'RHK_CHUNK_OVERHEAD');
    });

    it('does not count what every chunk needs', () => {
      expect(chunked('1\r\nx\r\n'.repeat(50_000)).announced).to.equal(50_000);
    });
  });

  it('reads back any legal chunking, cut anywhere', () => {
    fc.assert(
      fc.property(legalBody, fc.array(fc.nat(400), { maxLength: 6 }), ({ text, body, trailers }, cuts) => {
        expect(chunked(text, cuts)).to.deep.equal({
          body,
          trailers,
          used: text.length,
          isDone: true,
          announced: body.length,
          remaining: 0,
        });
      }),
    );
  });

  it('meets one end however noise is cut', () => {
    const noise = fc
      .array(fc.constantFrom('\r\n', '\r', '\n', '0', '1', 'a', ';', '=', '"', ' ', '\\', 'x', ':', '\x00'), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.constantFrom('', '1\r\nx\r\n', '0\r\n', '5;a'), noise, fc.nat(40), (start, rest, cut) => {
        expect(fateOf(piecesOf(start + rest, [cut]), LIMITS)).to.equal(fateOf([bytesOf(start + rest)], LIMITS));
      }),
      { numRuns: 1_000 },
    );
  });
});

const token = fc.array(fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ"), { minLength: 1, maxLength: 6 }).map((chars) => chars.join(''));
const quoted = fc
  .array(fc.constantFrom('a', ' ', '\t', '\\"', '\\\\', '\\a', ';', '=', '\x80', '\xff', '!'), { maxLength: 6 })
  .map((parts) => `"${parts.join('')}"`);
const blank = fc.constantFrom('', ' ', '\t ');
const extension = fc
  .record({ name: token, value: fc.option(fc.oneof(token, quoted), { nil: null }), around: blank })
  .map(({ name, value, around }) => `${around};${around}${name}${value === null ? '' : `${around}=${around}${value}`}`);
const data = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const chunk = fc.record({ data, zeros: fc.nat(3), upper: fc.boolean(), extensions: fc.array(extension, { maxLength: 2 }) });
const trailer = fc.record({
  name: token,
  value: fc.array(fc.constantFrom('a', ' b', '\xa0'), { maxLength: 3 }).map((parts) => parts.join('').trimStart()),
});

const legalBody = fc
  .record({
    chunks: fc.array(chunk, { maxLength: 5 }),
    last: fc.array(extension, { maxLength: 2 }),
    trailers: fc.array(trailer, { maxLength: 3 }),
  })
  .map(({ chunks, last, trailers }) => {
    const sizeOf = (octets: number, isUpper: boolean): string => (isUpper ? octets.toString(16).toUpperCase() : octets.toString(16));
    const lines = trailers.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
    const fields = new Map<string, string>();
    for (const { name, value } of trailers) {
      const key = name.toLowerCase();
      const before = fields.get(key);
      fields.set(key, before === undefined ? value : `${before}, ${value}`);
    }
    return {
      text: `${chunks
        .map(
          ({ data, zeros, upper, extensions }) => `${'0'.repeat(zeros)}${sizeOf(data.length, upper)}${extensions.join('')}\r\n${data}\r\n`,
        )
        .join('')}0${last.join('')}\r\n${lines}\r\n`,
      body: chunks.map(({ data }) => data).join(''),
      trailers: trailers.length === 0 ? undefined : Object.fromEntries(fields),
    };
  });
