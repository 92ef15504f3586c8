import { expect } from 'chai';
import { concat, from, map, NEVER, of, type Observable } from 'rxjs';
import type { Body, Reply } from 'rx-http-kit';
import { byPath, soon, untyped } from '../support/by-path.js';
import { until } from '../support/raw-client.js';
import { valueOf, valuesOf, type RawResponse } from '../support/response-reader.js';
import { Site, withServer } from '../support/serve.js';
import { line } from './cases/case.js';

/** A reply stream, and what must be on the wire. */
interface ReplyCase {
  readonly reply: () => Observable<Reply>;
  readonly status?: number;
  readonly body?: string;
  readonly framing?: RawResponse['framing'];
  /** Fields that must have this value; null: that must be absent. */
  readonly fields?: Readonly<Record<string, string | null>>;
}

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';

const CASES: Readonly<Record<string, ReplyCase>> = {
  'a string': { reply: () => of('hello'), body: 'hello', framing: 'length', fields: { 'content-type': TEXT, 'content-length': '5' } },
  'a string of any letter': { reply: () => of('é€😀'), body: 'é€😀', framing: 'length', fields: { 'content-length': '9' } },
  'a lone surrogate': { reply: () => of('a\ud800b'), body: 'a\ufffdb', framing: 'length', fields: { 'content-length': '5' } },
  'an empty string': { reply: () => of(''), body: '', framing: 'length', fields: { 'content-length': '0' } },
  'a long string': { reply: () => of('x'.repeat(300_000)), body: 'x'.repeat(300_000), framing: 'length' },
  'a long string of any letter': { reply: () => of('é'.repeat(100_000)), body: 'é'.repeat(100_000), framing: 'length' },
  'a Buffer': { reply: () => of(Buffer.from('hello')), body: 'hello', framing: 'length', fields: { 'content-type': BYTES } },
  'a Uint8Array': { reply: () => of(new Uint8Array([104, 105])), body: 'hi', framing: 'length', fields: { 'content-type': BYTES } },
  'a subarray': { reply: () => of(Buffer.from('xxhixx').subarray(2, 4)), body: 'hi', framing: 'length' },
  null: { reply: () => of(null), body: '', framing: 'length', fields: { 'content-length': '0', 'content-type': null } },
  'an empty response': { reply: () => of({}), status: 200, body: '', framing: 'length', fields: { 'content-length': '0' } },
  'a body of null': {
    reply: () => of({ status: 404, body: null }),
    status: 404,
    body: '',
    framing: 'length',
    fields: { 'content-length': '0' },
  },
  'a status': { reply: () => of({ status: 201 }), status: 201, body: '', fields: { 'content-length': '0' } },
  'a status without a phrase': { reply: () => of({ status: 299, body: 'x' }), status: 299, body: 'x' },
  'the highest status': { reply: () => of({ status: 599, body: 'x' }), status: 599, body: 'x' },
  headers: { reply: () => of({ headers: { 'X-A': 'b', n: 5 }, body: 'x' }), fields: { 'x-a': 'b', n: '5' } },
  'headers as a Map': { reply: () => of({ headers: new Map([['x-a', 'b']]), body: 'x' }), fields: { 'x-a': 'b' } },
  'headers as pairs': { reply: () => of({ headers: [['x-a', 'b']] as const, body: 'x' }), fields: { 'x-a': 'b' } },
  'headers as Headers': {
    reply: () => of({ headers: untyped<Map<string, string>>(new Headers({ 'X-A': 'b' })), body: 'x' }),
    fields: { 'x-a': 'b' },
  },
  'an undefined header': { reply: () => of({ headers: { a: undefined, b: 'c' }, body: 'x' }), fields: { a: null, b: 'c' } },
  'an empty header': { reply: () => of({ headers: { a: '' }, body: 'x' }), fields: { a: '' } },
  'a header up to U+00FF': { reply: () => of({ headers: { a: 'café ÿ\tx' }, body: 'x' }), fields: { a: 'café ÿ\tx' } },
  'a header named __proto__': { reply: () => of({ headers: [['__proto__', 'a']] as const, body: 'x' }), fields: { ['__proto__']: 'a' } },
  'a content-type of its own': {
    reply: () => of({ headers: { 'Content-Type': 'text/html' }, body: 'x' }),
    fields: { 'content-type': 'text/html' },
  },
  'a date of its own': {
    reply: () => of({ headers: { date: 'Sun, 06 Nov 1994 08:49:37 GMT' }, body: 'x' }),
    fields: { date: 'Sun, 06 Nov 1994 08:49:37 GMT' },
  },
  'a server header of its own': { reply: () => of({ headers: { Server: 'mine' }, body: 'x' }), fields: { server: 'mine' } },
  'the server header': { reply: () => of('x'), fields: { server: 'rx-http-kit' } },
  'a wrong content-length of a known body, too small': {
    reply: () => of({ headers: { 'content-length': 1 }, body: 'hello' }),
    body: 'hello',
    framing: 'length',
    fields: { 'content-length': '5' },
  },
  'a wrong content-length of a known body, too large': {
    reply: () => of({ headers: { 'Content-Length': '500' }, body: 'hello' }),
    body: 'hello',
    framing: 'length',
    fields: { 'content-length': '5' },
  },
  'a content-length without a body': {
    reply: () => of({ headers: { 'content-length': '5' } }),
    body: '',
    framing: 'length',
    fields: { 'content-length': '0' },
  },
  'a transfer-encoding of its own': {
    reply: () => of({ headers: { 'Transfer-Encoding': 'gzip' }, body: 'hello' }),
    body: 'hello',
    framing: 'length',
  },
  'a transfer-encoding of its own in a stream': {
    reply: () => of({ headers: { 'transfer-encoding': 'identity' }, body: of('a', 'b') }),
    body: 'ab',
    framing: 'chunked',
  },
  'a trailer field': {
    reply: () => of({ headers: { trailer: 'x', 'keep-alive': 'timeout=9' }, body: 'a' }),
    fields: { trailer: null, 'keep-alive': null },
  },
  'connection: keep-alive': { reply: () => of({ headers: { connection: 'keep-alive' }, body: 'a' }), body: 'a' },
  'an item that comes late': { reply: () => soon('late'), body: 'late', framing: 'length' },
  'two items in one turn': { reply: () => of('a', 'b'), body: 'ab', framing: 'chunked' },
  'a response and more items': {
    reply: () => of<Reply[]>({ status: 201, headers: { a: 'b' }, body: 'x' }, 'y', { status: 500, headers: { a: 'z' }, body: 'z' }),
    status: 201,
    body: 'xyz',
    framing: 'chunked',
    fields: { a: 'b' },
  },
  'items in different turns': { reply: () => concat(of('a'), soon('b'), soon('c')), body: 'abc', framing: 'chunked' },
  'empty items': { reply: () => of('', 'a', '', 'b', ''), body: 'ab', framing: 'chunked' },
  'a head first and the body later': { reply: () => concat(of({ status: 202 }), soon('b')), status: 202, body: 'b', framing: 'chunked' },
  'a declared length of a stream': {
    reply: () => concat(of<Reply>({ headers: { 'content-length': 4 }, body: 'ab' }), soon('cd')),
    body: 'abcd',
    framing: 'length',
    fields: { 'content-length': '4' },
  },
  'status 204': {
    reply: () => of({ status: 204 }),
    status: 204,
    framing: 'none',
    fields: { 'content-length': null, 'transfer-encoding': null },
  },
  'status 204 with a body': {
    reply: () => of({ status: 204, body: 'x' }),
    status: 204,
    framing: 'none',
    fields: { 'content-length': null },
  },
  'status 204 with a streamed body': {
    reply: () => of({ status: 204, body: of('a', 'b') }),
    status: 204,
    framing: 'none',
    fields: { 'transfer-encoding': null },
  },
  'status 204 with a content-length': {
    reply: () => of({ status: 204, headers: { 'content-length': '5' } }),
    status: 204,
    framing: 'none',
    fields: { 'content-length': null },
  },
  'status 205 with a body': {
    reply: () => of({ status: 205, body: 'x' }),
    status: 205,
    body: '',
    fields: { 'content-length': '0', 'transfer-encoding': null },
  },
  'status 205 with a streamed body': {
    reply: () => of({ status: 205, body: of('a', 'b') }),
    status: 205,
    body: '',
    fields: { 'content-length': '0', 'transfer-encoding': null },
  },
  'status 304 with a body': {
    reply: () => of({ status: 304, body: 'x' }),
    status: 304,
    framing: 'none',
    fields: { 'transfer-encoding': null },
  },
  'status 304 with a streamed body': {
    reply: () => of({ status: 304, body: of('a', 'b') }),
    status: 304,
    framing: 'none',
    fields: { 'transfer-encoding': null },
  },
  'status 304 with the content-length of the 200': {
    reply: () => of({ status: 304, headers: { 'content-length': '1234', etag: '"a"' } }),
    status: 304,
    framing: 'none',
    fields: { 'content-length': '1234' },
  },
};

describe('replies on the wire', () => {
  let site: Site;
  before(async () => {
    site = await Site.start(byPath(Object.fromEntries(Object.values(CASES).map(({ reply }, index) => [`/${index}`, reply]))));
  });
  after(() => site.stop());

  for (const [index, [name, expected]] of Object.entries(CASES).entries()) {
    it(`${name}, over HTTP/1.1`, async () => {
      const client = await site.connect();
      const response = await client.send(line(`GET /${index} HTTP/1.1`)).response();
      expect(response.status).to.equal(expected.status ?? 200);
      if (expected.body !== undefined) expect(response.body.toString('utf8')).to.equal(expected.body);
      if (expected.framing !== undefined) expect(response.framing).to.equal(expected.framing);
      for (const [field, value] of Object.entries(expected.fields ?? {})) expect(valueOf(response, field) ?? null, field).to.equal(value);
      // still in step on the same connection
      expect((await client.send(line('GET /0 HTTP/1.1')).response()).body.toString()).to.equal('hello');
      client.leave();
    });

    it(`${name}, as HEAD`, async () => {
      const client = await site.connect();
      const got = await client.send(line(`GET /${index} HTTP/1.1`)).response();
      const head = await client.send(line(`HEAD /${index} HTTP/1.1`)).response('HEAD');
      expect(head.status).to.equal(got.status);
      // RFC 9110 §9.3.2: the same fields, as far as they are known without the body
      const comparable = (response: RawResponse): readonly string[] =>
        response.fields.filter(([field]) => field !== 'date').map((field) => field.join(': '));
      if (name !== 'a content-length without a body') expect(comparable(head)).to.deep.equal(comparable(got));
      expect((await client.send(line('GET /0 HTTP/1.1')).response()).body.toString()).to.equal('hello');
      client.leave();
    });

    it(`${name}, over HTTP/1.0`, async () => {
      const client = await site.connect();
      const response = await client.send(`GET /${index} HTTP/1.0\r\n\r\n`).response();
      expect(response.status).to.equal(expected.status ?? 200);
      if (expected.body !== undefined) expect(response.body.toString('utf8')).to.equal(expected.body);
      expect(response.framing).to.not.equal('chunked');
      expect(valueOf(response, 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
    });
  }

  it('gives a list one line for each member', async () => {
    await withServer(
      map(() => ({ headers: { 'set-cookie': ['a=b', 'c=d; Path=/'], 'x-none': [] }, body: 'x' })),
      {},
      async (own) => {
        const client = await own.connect();
        const response = await client.send(line('GET / HTTP/1.1')).response();
        expect(valuesOf(response, 'set-cookie')).to.deep.equal(['a=b', 'c=d; Path=/']);
        expect(valuesOf(response, 'x-none')).to.deep.equal([]);
      },
    );
  });

  it('respects the content-length that a handler gives to HEAD without a body, RFC 9110 §8.6', async () => {
    await withServer(
      map(() => ({ headers: { 'content-length': '1234' } })),
      {},
      async (own) => {
        const client = await own.connect();
        expect(valueOf(await client.send(line('HEAD / HTTP/1.1')).response('HEAD'), 'content-length')).to.equal('1234');
      },
    );
  });

  it('closes when a handler says connection: close', async () => {
    await withServer(
      map(() => ({ headers: { Connection: 'close' }, body: 'x' })),
      {},
      async (own) => {
        const client = await own.connect();
        const response = await client.send(line('GET / HTTP/1.1'), line('GET / HTTP/1.1')).response();
        expect(valueOf(response, 'connection')).to.equal('close');
        expect(await client.ended()).to.equal('end');
      },
    );
  });

  it('flushes the first item at once', async () => {
    await withServer(
      map(() => concat(of('first'), NEVER) as Body),
      {},
      async (own) => {
        const client = await own.connect();
        client.send(line('GET / HTTP/1.1'));
        expect((await client.bodyBytes(5)).toString()).to.equal('first');
        expect(client.head?.status).to.equal(200);
      },
    );
  });

  it('flushes the head of a reply whose body has not begun', async () => {
    await withServer(
      map(() => ({ status: 202, body: NEVER as Body })),
      {},
      async (own) => {
        const client = await own.connect();
        client.send(line('GET / HTTP/1.1'));
        await until('the head is there', async () => (await client.bodyBytes(0)).length === 0 && client.head !== undefined);
        expect(client.head?.status).to.equal(202);
      },
    );
  });

  it('sends many small items of one turn as one write', async () => {
    await withServer(
      map(() => from(Array.from({ length: 100 }, (_, index) => `${index};`)) as Body),
      {},
      async (own) => {
        const client = await own.connect();
        const response = await client.send(line('GET / HTTP/1.1')).response();
        expect(response.body.toString()).to.equal(Array.from({ length: 100 }, (_, index) => `${index};`).join(''));
        expect(response.chunks).to.have.length(100);
        expect(client.reads, 'reads at the client').to.be.at.most(2);
      },
    );
  });

  for (const serverHeader of ['other/1.0', null]) {
    it(`sends serverHeader ${String(serverHeader)}`, async () => {
      await withServer(
        map(() => 'x'),
        { serverHeader },
        async (own) => {
          const client = await own.connect();
          expect(valueOf(await client.send(line('GET / HTTP/1.1')).response(), 'server') ?? null).to.equal(serverHeader);
          const refusal = await client.send(line('GET  / HTTP/1.1')).response();
          expect(valueOf(refusal, 'server') ?? null).to.equal(serverHeader);
        },
      );
    });
  }
});
