import { expect } from 'chai';
import { once } from 'node:events';
import { get } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { concat, delay, map, mergeMap, type Observable, of, Subject, throwError, timer } from 'rxjs';
import { file, type Handler, type HttpResponse, OptionError } from 'rx-http-kit';
import { compose, compress, type CompressOptions, etag } from 'rx-http-kit/middleware';
import { type CollectedReply, inject } from 'rx-http-kit/testing';
import { until, untilAtRest } from '../support/raw-client.js';
import { withServer } from '../support/serve.js';

const TEXT = 'to be or not to be, '.repeat(200);
const HTML = { 'content-type': 'text/html; charset=utf-8' };

const asked = (handler: Handler, accept: string | undefined = 'gzip', options?: CompressOptions, method = 'GET'): Promise<CollectedReply> =>
  inject(compress(options)(handler), { method, headers: { 'accept-encoding': accept } }).collect();

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gunzipSync(bytes),
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  zstd: (bytes) => (zlib as unknown as { zstdDecompressSync(bytes: Buffer): Buffer }).zstdDecompressSync(bytes), // where the runtime has it
};
const decoded = ({ headers, body }: CollectedReply): string => (DECODERS[headers['content-encoding']]?.(body) ?? body).toString();
const codings = ['gzip', 'br', ...('createZstdCompress' in zlib ? ['zstd'] : [])];

describe('compress', () => {
  for (const coding of codings) {
    it(`compresses a whole reply with ${coding}, and says how long it is`, async () => {
      const reply = await asked(
        map(() => ({ headers: HTML, body: TEXT })),
        coding,
      );
      expect(decoded(reply)).to.equal(TEXT);
      expect(reply.headers).to.include({
        ...HTML,
        'content-encoding': coding,
        vary: 'accept-encoding',
        'content-length': String(reply.body.length),
      });
      expect(reply.body.length).to.be.below(TEXT.length / 10);
    });

    const streams: readonly (readonly [string, () => HttpResponse['body']])[] = [
      ['an iterable', () => Array.from({ length: 200 }, () => 'to be or not to be, ')],
      ['an async iterable', () => lines()],
      ['a Readable', () => Readable.from(Array.from({ length: 200 }, () => 'to be or not to be, '))],
      ['a ReadableStream', () => new Blob([TEXT]).stream() as HttpResponse['body']],
      ['an Observable', () => of(...Array.from({ length: 200 }, () => 'to be or not to be, '))],
    ];
    for (const [what, body] of streams) {
      it(`compresses ${what} with ${coding}, piece by piece`, async () => {
        const reply = await asked(
          map(() => ({ headers: { ...HTML, 'content-length': TEXT.length }, body: body() })),
          coding,
        );
        expect([decoded(reply), reply.headers['content-encoding'], reply.headers['content-length']]).to.deep.equal([
          TEXT,
          coding,
          undefined,
        ]);
      });
    }

    it(`compresses items and their bodies in their order with ${coding}`, async () => {
      const handler: Handler = mergeMap(() =>
        concat(of({ headers: HTML, body: 'a' }), of(['b', 'c'], 'd', { body: Readable.from(['e']) }, null, 'f').pipe(delay(1))),
      );
      expect(decoded(await asked(handler, coding))).to.equal('abcdef');
    });
  }

  it('compresses a file', async () => {
    const reply = await asked(map(() => ({ headers: HTML, body: file('LICENSE') })));
    expect(decoded(reply)).to.match(/^MIT License/);
  });

  const untouched: readonly (readonly [string, HttpResponse, string?])[] = [
    ['what is small', { headers: HTML, body: 'x'.repeat(1_023) }],
    ['a small stream with its length', { headers: { ...HTML, 'content-length': 2 }, body: ['a', 'b'] }],
    ['what is encoded already', { headers: { ...HTML, 'content-encoding': 'x' }, body: TEXT }],
    ['no-transform', { headers: { ...HTML, 'cache-control': 'public, no-transform' }, body: TEXT }],
    ['a range', { status: 206, headers: { ...HTML, 'content-range': 'bytes 0-1/2' }, body: TEXT }],
    ['an image', { headers: { 'content-type': 'image/png' }, body: TEXT }],
    ['bytes of no type', { body: Buffer.from(TEXT) }],
    ['a client that does not say', { headers: HTML, body: TEXT }, ''],
    ['a client that wants none', { headers: HTML, body: TEXT }, 'gzip;q=0, br;q=0, zstd;q=0'],
    ['a client that prefers it plain', { headers: HTML, body: TEXT }, 'identity, gzip;q=0.5'],
    ['a client of another coding', { headers: HTML, body: TEXT }, 'compress, deflate'],
    ['no body', { headers: HTML, body: null }],
  ];
  for (const [what, response, accept] of untouched) {
    it(`leaves ${what} alone`, async () => {
      const handler: Handler = map(() => response);
      const [reply, plain] = [await asked(handler, accept), await inject(handler, '/').collect()];
      expect([reply.status, reply.body, reply.headers['content-encoding']]).to.deep.equal([
        plain.status,
        plain.body,
        plain.headers['content-encoding'],
      ]);
      expect(reply.headers['content-length']).to.equal(plain.headers['content-length']);
    });
  }

  const heads: readonly (readonly [string, Handler])[] = [
    ['a whole reply', map(() => ({ headers: HTML, body: TEXT }))],
    ['a stream', map(() => ({ headers: HTML, body: lines() }))],
    ['a small reply', map(() => ({ headers: HTML, body: 'x' }))],
    [
      'a handler that knows what HEAD is',
      map(({ method }) => ({ headers: { ...HTML, 'content-length': TEXT.length }, body: method === 'HEAD' ? null : lines() })),
    ],
  ];
  for (const [what, handler] of heads) {
    it(`says the same of ${what} to HEAD as to GET`, async () => {
      const [got, head] = [await asked(handler), await asked(handler, 'gzip', {}, 'HEAD')]; // RFC 9110 §8.6: no other length
      expect([head.status, head.text, { ...head.headers, date: '' }]).to.deep.equal([200, '', { ...got.headers, date: '' }]);
    });
  }

  it('says in a 304 what it would be said of the reply', async () => {
    const reply = await asked(map(() => ({ status: 304, headers: { etag: '"a"' }, body: null })));
    expect([reply.status, reply.headers['vary']]).to.deep.equal([304, 'accept-encoding']);
  });

  it('sends what compressing makes longer as it is', async () => {
    const noise = Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * i * 7_919 + i * 31) % 251));
    const reply = await asked(
      map(() => ({ headers: { 'content-type': 'text/plain' }, body: noise.subarray(0, 60) })),
      'gzip',
      { threshold: 0 },
    );
    expect([reply.headers['content-encoding'], reply.body.length, reply.headers['vary']]).to.deep.equal([undefined, 60, 'accept-encoding']);
  });

  it('gives bare text the type that it would have had', async () => {
    expect((await asked(map(() => TEXT))).headers['content-type']).to.equal('text/plain; charset=utf-8');
  });

  it('prefers the codings in their order, and of the client its own', async () => {
    const codingOf = async (accept: string, options?: CompressOptions) =>
      (
        await asked(
          map(() => TEXT),
          accept,
          options,
        )
      ).headers['content-encoding'];
    expect(await codingOf('gzip, br')).to.equal('br');
    expect(await codingOf('gzip, br', { encodings: ['gzip', 'br'] })).to.equal('gzip');
    expect(await codingOf('gzip, br;q=0.5')).to.equal('gzip');
    expect(await codingOf('gzip, br', { encodings: ['gzip'] })).to.equal('gzip');
  });

  it('makes tags weak, and leaves what a tag is made of to others', async () => {
    const tagged = await asked(map(() => ({ headers: { ...HTML, etag: '"a"', 'accept-ranges': 'bytes' }, body: TEXT })));
    expect([tagged.headers['etag'], tagged.headers['accept-ranges']]).to.deep.equal(['W/"a"', undefined]);
    const outer = compose(compress(), etag())(map(() => TEXT));
    expect((await inject(outer, { headers: { 'accept-encoding': 'gzip' } }).collect()).headers['etag']).to.match(/^W\/"/);
  });

  for (const coding of codings) {
    it(`flushes with ${coding} when nothing more comes: an event arrives while its stream goes on`, async () => {
      const events$ = new Subject<string>();
      const handler = compress()(map(() => ({ headers: { 'content-type': 'text/event-stream' }, body: events$ })));
      await withServer(handler, {}, async ({ port }) => {
        const request = get({ port, host: '127.0.0.1', agent: false, headers: { 'accept-encoding': coding } });
        const responded = once(request, 'response');
        await until('the handler is subscribed', () => events$.observed);
        events$.next('data: 1\n\n');
        const [response] = (await responded) as [Readable]; // as node documents it
        const heard = { text: '' };
        response
          .on('error', () => {})
          .pipe(DECODING[coding]())
          .on('data', (bytes: Buffer) => (heard.text += bytes.toString()));
        await until('the first has come', () => heard.text === 'data: 1\n\n');
        events$.next('data: 2\n\n');
        await until('the second has come', () => heard.text === 'data: 1\n\ndata: 2\n\n');
        request.destroy();
        await until('the stream is let go', () => !events$.observed);
      });
    });
  }

  it('lets the source go when the client leaves, and pulls no more than the client takes', async () => {
    let pulled = 0;
    let isLetGo = false;
    const endless = function* (): Generator<Buffer> {
      try {
        for (;;) {
          pulled++;
          yield Buffer.from(Array.from({ length: 16_384 }, () => Math.floor(Math.random() * 256))); // what cannot be compressed, and is compared with nothing
        }
      } finally {
        isLetGo = true;
      }
    };
    const handler = compress()(map(() => ({ headers: HTML, body: endless() })));
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.pause();
      client.send('GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n');
      await untilAtRest('pulls', () => pulled);
      expect(pulled).to.be.below(1_000);
      expect([isLetGo, site.codes]).to.deep.equal([false, []]);
      client.abort();
      await until('the generator is let go', () => isLetGo);
    });
  });

  it('cuts a reply whose pushed pieces wait too long', async () => {
    const flood: Handler = map(() => ({ headers: HTML, body: of(...Array.from({ length: 200 }, () => Buffer.alloc(16_384, 'x'))) }));
    const error: unknown = await asked(flood, 'gzip', { maxBufferedBytes: 65_536 }).catch((thrown: unknown) => thrown);
    expect(String(error)).to.contain('cut');
  });

  it('cuts a stream that fails, in its body and in its items', async () => {
    const fails$ = throwError(() => new Error('boom')).pipe(delayed);
    const failing: readonly Handler[] = [
      map(() => ({ headers: HTML, body: concat(of('a').pipe(delay(1)), fails$) })),
      () => concat(of({ headers: HTML, body: 'a' }), of('b').pipe(delay(1)), fails$),
    ];
    for (const handler of failing) {
      const error: unknown = await asked(handler).catch((thrown: unknown) => thrown);
      expect(String(error)).to.contain('the reply was cut');
    }
  });

  const refused: readonly (readonly [string, CompressOptions])[] = [
    ['encodings', { encodings: [] }],
    ['encodings', { encodings: ['deflate' as 'gzip'] }],
    ['threshold', { threshold: -1 }],
    ['types', { types: /a/g }],
    ['level', { level: 9 } as CompressOptions],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => compress(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});

const lines = async function* (): AsyncGenerator<Buffer> {
  for (let i = 0; i < 200; i++) yield Buffer.from('to be or not to be, ');
};

/** An error a turn later. */
const delayed = <T>(source$: Observable<T>): Observable<T> => timer(1).pipe(mergeMap(() => source$));

const DECODING: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => (zlib as unknown as { createZstdDecompress(): Transform }).createZstdDecompress(), // where the runtime has it
};
