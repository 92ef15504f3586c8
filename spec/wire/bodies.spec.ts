import { open, writeFile } from 'node:fs/promises';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { expect } from 'chai';
import { concat, finalize, from, interval, map, mergeMap, NEVER, Observable, of, Subject, take, tap, toArray } from 'rxjs';
import { file, type Body, type Handler, type HttpRequest } from 'rx-http-kit';
import { byPath, soon, untyped } from '../support/by-path.js';
import { turns, until, untilAtRest } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { withServer } from '../support/serve.js';
import { line, post } from './cases/case.js';

const GET = line('GET / HTTP/1.1');
const directory = mkdtempSync(join(tmpdir(), 'rx-http-kit-bodies-'));
const answering = (body: () => Body): Handler => map(() => ({ body: body() }));

/** Counts how often a source was asked, and how often it was let go. */
class Tally {
  pulls = 0;
  releases = 0;
  #wake: (() => void) | undefined;

  release(): void {
    this.releases++;
    this.#wake?.();
  }

  released(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.releases > 0) resolve();
    });
  }
}

const PIECE = 'x'.repeat(16_384);

/** Every kind of source, endless or of `count` pieces, that tells the tally of each pull and of its end. */
const SOURCES: Readonly<Record<string, (tally: Tally, count: number) => Body>> = {
  'a generator': (tally, count) =>
    (function* () {
      try {
        for (let index = 0; index < count; index++) {
          tally.pulls++;
          yield PIECE;
        }
      } finally {
        tally.release();
      }
    })(),
  'an iterable object': (tally, count): Iterable<string> => ({
    [Symbol.iterator]: (): Iterator<string> => ({
      next: () => {
        if (tally.pulls++ < count) return { done: false, value: PIECE };
        tally.release();
        return { done: true, value: undefined };
      },
      return: () => {
        tally.release();
        return { done: true, value: undefined };
      },
    }),
  }),
  'an async generator': (tally, count) =>
    (async function* () {
      try {
        for (let index = 0; index < count; index++) {
          tally.pulls++;
          yield PIECE;
        }
      } finally {
        tally.release();
      }
    })(),
  'an async generator that waits between pieces': (tally, count) =>
    (async function* () {
      try {
        for (let index = 0; index < count; index++) {
          tally.pulls++;
          await turns(1);
          yield PIECE;
        }
      } finally {
        tally.release();
      }
    })(),
  'a Readable': (tally, count) =>
    new Readable({
      read() {
        this.push(tally.pulls++ < count ? PIECE : null);
      },
      destroy(error, done) {
        tally.release();
        done(error);
      },
    }),
  'a Readable that pushes later': (tally, count) =>
    new Readable({
      read() {
        const piece = tally.pulls++ < count ? PIECE : null;
        setImmediate(() => this.push(piece));
      },
      destroy(error, done) {
        tally.release();
        done(error);
      },
    }),
  'a ReadableStream': (tally, count) =>
    new ReadableStream<string>({
      pull(controller) {
        if (tally.pulls++ < count) controller.enqueue(PIECE);
        else {
          tally.release();
          controller.close();
        }
      },
      cancel() {
        tally.release();
      },
    }),
  'an Observable of pieces': (tally, count) =>
    new Observable<string>((subscriber) => {
      let isOver = false;
      const push = (): void => {
        if (isOver) return;
        if (tally.pulls++ >= count) return subscriber.complete();
        subscriber.next(PIECE);
        setImmediate(push);
      };
      push();
      return () => {
        isOver = true;
        tally.release();
      };
    }),
};

/** Sources that are pulled: what a client does not take is not made. */
const PULLED = Object.entries(SOURCES).filter(([name]) => !name.startsWith('an Observable'));

describe('bodies from sources', () => {
  for (const [name, source] of Object.entries(SOURCES)) {
    it(`${name} arrives whole, in chunks over HTTP/1.1, and is let go once`, async () => {
      const tally = new Tally();
      await withServer(
        answering(() => source(tally, 40)),
        {},
        async (site) => {
          const client = await site.connect();
          const response = await client.send(GET).response();
          expect(response.framing).to.equal('chunked');
          expect(response.body.equals(Buffer.from(PIECE.repeat(40)))).to.equal(true);
          await tally.released();
          expect(tally.releases).to.equal(1);
          expect(valueOf(response, 'connection')).to.equal(undefined);
        },
      );
      expect(tally.releases, 'after everything has closed').to.equal(1);
    });

    it(`${name} arrives whole until the end of the connection over HTTP/1.0`, async () => {
      const tally = new Tally();
      await withServer(
        answering(() => source(tally, 10)),
        {},
        async (site) => {
          const client = await site.connect();
          const response = await client.send('GET / HTTP/1.0\r\n\r\n').response();
          expect(response.framing).to.equal('close');
          expect(response.body.length).to.equal(10 * PIECE.length);
          expect(await client.ended()).to.equal('end');
        },
      );
    });

    for (const [how, leave] of [
      ['a reset', 'abort'],
      ['a close', 'leave'],
    ] as const) {
      it(`${name} is let go once when the client leaves with ${how}`, async () => {
        const tally = new Tally();
        await withServer(
          answering(() => source(tally, Infinity)),
          {},
          async (site) => {
            const client = await site.connect();
            client.send(GET);
            await client.bodyBytes(PIECE.length);
            client[leave]();
            await tally.released();
            await site.letGo();
            await turns(3);
            const { pulls } = tally;
            await turns(10);
            expect(tally.pulls, 'pulls after it was let go').to.equal(pulls);
            expect(site.failures).to.deep.equal([]);
          },
        );
        expect(tally.releases).to.equal(1);
      });
    }

    it(`${name} is let go when the request was HEAD`, async () => {
      const tally = new Tally();
      await withServer(
        answering(() => source(tally, Infinity)),
        {},
        async (site) => {
          const client = await site.connect();
          const response = await client.send(line('HEAD / HTTP/1.1')).response('HEAD');
          expect(response.status).to.equal(200);
          await tally.released();
          expect(tally.releases).to.equal(1);
          expect(tally.pulls).to.be.below(4_200);
          client.send(line('HEAD / HTTP/1.1'));
          expect((await client.response('HEAD')).status, 'the connection lives on').to.equal(200);
        },
      );
    });
  }

  for (const [name, source] of PULLED) {
    it(`${name} is asked only for what a client takes: one that does not read gets a bounded part of 50 MiB`, async () => {
      const tally = new Tally();
      const count = (50 * 1_048_576) / PIECE.length;
      await withServer(
        answering(() => source(tally, count)),
        {},
        async (site) => {
          const client = await site.connect();
          client.pause().send(GET);
          await untilAtRest('pulls', () => tally.pulls);
          // what the two socket buffers of the kernel may hold (up to 10 MiB) and a little more
          expect(tally.pulls * PIECE.length).to.be.below(16 * 1_048_576);
          client.resume();
          const response = await client.response();
          expect(response.body.length, 'all of it in the end').to.equal(50 * 1_048_576);
        },
      );
      expect(tally.releases).to.equal(1);
    });
  }

  it('two bodies one after the other, items in order', async () => {
    const handler: Handler = mergeMap(() => of<Body[]>('a', ['b', 'c'], soon('d'), 'e', Readable.from(['f', 'g']), 'h'));
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send(GET).response()).body.toString()).to.equal('abcdefgh');
      expect((await client.send(GET).response()).body.toString()).to.equal('abcdefgh');
    });
  });

  for (const [name, body] of Object.entries<() => Body>({
    'a list': () => ['a', Buffer.from('b'), new Uint8Array([99])],
    'a Set': () => new Set(['a', 'b', 'c']),
    'a Readable of bytes': () => Readable.from([Buffer.from('abc')]),
    'a Readable of text': () => Readable.from(['a', 'bc']),
    'a Response body': () => untyped<Body>(new Response('abc').body),
    'a Blob stream': () => untyped<Body>(new Blob(['abc']).stream()),
    'an Observable of text and bytes': () => of('a', Buffer.from('bc')),
    'an Observable that completes later': () => soon('abc'),
    'a list with empty pieces': () => ['', 'a', '', 'bc', Buffer.alloc(0)],
  })) {
    it(`${name} is a body`, async () => {
      await withServer(answering(body), {}, async (site) => {
        const client = await site.connect();
        expect((await client.send(GET).response()).body.toString()).to.equal('abc');
        expect((await client.send(GET).response()).body.toString(), 'again').to.equal('abc');
      });
    });
  }

  for (const [name, body] of Object.entries<() => Body>({
    'an empty list': () => [],
    'a Readable without data': () => Readable.from([]),
    'an empty Observable': () => from([] as string[]),
    'a closed ReadableStream': () => new ReadableStream<string>({ start: (controller) => controller.close() }),
  })) {
    it(`${name} is an empty body`, async () => {
      await withServer(answering(body), {}, async (site) => {
        const client = await site.connect();
        expect((await client.send(GET).response()).body.length).to.equal(0);
        expect((await client.send(GET).response()).status, 'again').to.equal(200);
      });
    });
  }

  for (const [name, body] of Object.entries<() => Body>({
    'a generator that throws': () =>
      (function* (): Generator<string> {
        for (let index = 0; index < 10; index++) yield PIECE; // more than is held back, so that the head has left
        throw new Error('secret');
      })(),
    'an async generator that throws': () =>
      (async function* (): AsyncGenerator<string> {
        yield PIECE;
        await turns(2);
        throw new Error('secret');
      })(),
    'a Readable that is destroyed with an error': () => {
      const readable = new Readable({ read: () => undefined });
      readable.push(PIECE);
      void turns(4).then(() => readable.destroy(new Error('secret')));
      return readable;
    },
    'a Readable that is closed before its end': () => {
      const readable = new Readable({ read: () => undefined });
      readable.push(PIECE);
      void turns(4).then(() => readable.destroy());
      return readable;
    },
    'a ReadableStream that errors': () => {
      let pulls = 0;
      return new ReadableStream<string>({
        pull: async (controller) => {
          if (pulls++ === 0) return controller.enqueue(PIECE);
          await turns(2);
          controller.error(new Error('secret'));
        },
      });
    },
    'an Observable that errors': () => concat(of(PIECE), soon(''), mergeMap(() => { throw new Error('secret'); })(of(1)) as Observable<string>), // prettier-ignore
    'a source that yields a number': () => concat(of(PIECE), soon(''), of(untyped<string>(42))),
  })) {
    it(`${name} cuts the reply, and is an event`, async () => {
      await withServer(answering(body), {}, async (site) => {
        const client = await site.connect();
        const { isComplete, body: got } = await client.send(GET).cut();
        expect(isComplete).to.equal(false);
        expect(got.toString()).to.not.include('secret');
        expect(site.events).to.have.length(1);
        expect(site.events[0].type).to.equal('failure');
      });
    });
  }

  it('an endless run of empty pieces holds up nobody else, and ends when the client leaves', async () => {
    const tally = new Tally();
    const empties = function* (): Generator<string> {
      try {
        for (;;) {
          tally.pulls++;
          yield '';
        }
      } finally {
        tally.release();
      }
    };
    const handler = byPath({ '/': () => of({ body: empties() }), '/good': () => of('good') });
    await withServer(handler, {}, async (site) => {
      const stuck = await site.connect();
      stuck.send(GET);
      const other = await site.connect();
      expect((await other.send(line('GET /good HTTP/1.1')).response()).body.toString()).to.equal('good');
      stuck.abort();
      await tally.released();
    });
  });

  it('an Observable that is faster than its client is cut at maxBufferedBytes, and is an event', async () => {
    const tally = new Tally();
    const flood = SOURCES['an Observable of pieces'](tally, Infinity) as Observable<string>;
    await withServer(
      answering(() => flood),
      { maxBufferedBytes: 100_000 },
      async (site) => {
        const client = await site.connect();
        client.pause().send(GET);
        await tally.released();
        expect(tally.pulls * PIECE.length).to.be.below(16 * 1_048_576);
        expect(site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        await site.letGo();
      },
    );
  });

  it('a handler whose client leaves before the first item is unsubscribed, and its signal aborted', async () => {
    const tally = new Tally();
    const signals: AbortSignal[] = [];
    const handler: Handler = mergeMap((request) => {
      signals.push(request.signal);
      return NEVER.pipe(finalize(() => tally.release()));
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.send(GET);
      await until('the handler runs', () => signals.length > 0);
      expect(signals[0].aborted).to.equal(false);
      client.abort();
      await tally.released();
      expect(signals[0].aborted).to.equal(true);
      await site.letGo();
      expect(site.failures).to.deep.equal([]);
    });
  });

  it('a handler that is answered completely is finalized, and its signal is not aborted', async () => {
    const tally = new Tally();
    const signals: AbortSignal[] = [];
    const handler: Handler = mergeMap((request) => {
      signals.push(request.signal);
      return of('x').pipe(finalize(() => tally.release()));
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      await client.send(GET).response();
      await tally.released();
      client.leave();
      await site.letGo();
      expect(signals[0].aborted).to.equal(false);
    });
    expect(tally.releases).to.equal(1);
  });

  it('an endless feed is unsubscribed when the client leaves between two items', async () => {
    const tally = new Tally();
    const feed$ = interval(1).pipe(
      map((tick) => `${tick}\n`),
      finalize(() => tally.release()),
    );
    await withServer(
      mergeMap(() => feed$),
      {},
      async (site) => {
        const client = await site.connect();
        client.send(GET);
        await client.bodyBytes(4);
        client.leave();
        await tally.released();
        await site.letGo();
      },
    );
  });
});

describe('file bodies', () => {
  const path = join(directory, 'file.bin');
  const large = Buffer.alloc(3_000_000, 'abcdefghij');

  before(() => writeFile(path, large));
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('leave whole, with their size as content-length', async () => {
    await withServer(
      answering(() => file(path)),
      {},
      async (site) => {
        const client = await site.connect();
        const response = await client.send(GET).response();
        expect(response.framing).to.equal('length');
        expect(response.body.equals(large)).to.equal(true);
        const head = await client.send(line('HEAD / HTTP/1.1')).response('HEAD');
        expect(valueOf(head, 'content-length')).to.equal(String(large.length));
      },
    );
  });

  it('that are not there are 404, and so are directories', async () => {
    const handler = byPath({
      '/missing': () => of(file(join(directory, 'missing'))),
      '/directory': () => of(file(directory)),
      '/nul': () => of(file('a\0b')),
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      for (const path of ['/missing', '/directory', '/nul']) {
        const response = await client.send(line(`GET ${path} HTTP/1.1`)).response();
        expect(response.status, path).to.equal(404);
        expect(response.body.toString()).to.not.include(directory);
      }
    });
  });

  it('are closed when the client leaves', async () => {
    const streams: Readable[] = [];
    const handler = answering(() => {
      const stream = createReadStream(path);
      streams.push(stream);
      return stream;
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.pause().send(GET);
      await until('the handler runs', () => streams.length > 0);
      const closed = new Promise((resolve) => streams[0].once('close', resolve));
      client.abort();
      await closed;
    });
  });

  it('do not leak descriptors', async () => {
    const descriptorsBefore = await descriptors();
    await withServer(
      answering(() => file(path)),
      {},
      async (site) => {
        for (let round = 0; round < 20; round++) {
          const client = await site.connect();
          client.send(GET);
          await client.bodyBytes(1);
          client.abort();
        }
        await site.letGo();
        await until('the files are closed', async () => (await descriptors()) <= descriptorsBefore);
      },
    );
  });

  /** Open descriptors of this process that are the test's file. */
  const descriptors = async (): Promise<number> => {
    const handle = await open(path);
    try {
      const { readdirSync, readlinkSync } = await import('node:fs');
      return readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path;
        } catch {
          return false; // closed meanwhile
        }
      }).length;
    } finally {
      await handle.close();
    }
  };
});

describe('request bodies', () => {
  const CHUNKED_HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('of 8 MiB arrive whole, by length and in chunks', async () => {
    const size = 8_388_608;
    const sizeOf: Handler = mergeMap((request) =>
      request.body$.pipe(
        toArray(),
        map((pieces) => String(pieces.reduce((sum, piece) => sum + piece.length, 0))),
      ),
    );
    await withServer(sizeOf, {}, async (site) => {
      const client = await site.connect();
      const body = Buffer.alloc(size, 'y');
      client.send(post(`Content-Length: ${size}`), body);
      expect((await client.response()).body.toString()).to.equal(String(size));
      client.send(CHUNKED_HEAD, `${size.toString(16)}\r\n`, body, '\r\n0\r\n\r\n');
      expect((await client.response()).body.toString()).to.equal(String(size));
    });
  });

  it('are read only while somebody is subscribed', async () => {
    const start$ = new Subject<void>();
    const requests: HttpRequest[] = [];
    const handler: Handler = mergeMap((request) => {
      requests.push(request);
      return start$.pipe(
        take(1),
        mergeMap(() => request.body$.pipe(toArray())),
        map((pieces) => String(pieces.reduce((sum, piece) => sum + piece.length, 0))),
      );
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      const body = Buffer.alloc(8_000_000, 'y');
      let isFlushed = false;
      client.send(post(`Content-Length: ${body.length}`), body);
      void client.flushed().then(() => (isFlushed = true));
      await until('the handler runs', () => requests.length > 0);
      await turns(50);
      expect(isFlushed, 'the kernel has taken 8 MB that nobody reads').to.equal(false);
      start$.next();
      expect((await client.response()).body.toString()).to.equal(String(body.length));
    });
  });

  it('whose reader stops after the first piece do not hold up the next request', async () => {
    const handler: Handler = mergeMap((request) =>
      request.uri === '/'
        ? request.body$.pipe(
            take(1),
            map(() => 'enough'),
          )
        : of('next'),
    );
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      await client.sendApart([post('Content-Length: 10', 'hello'), 'world', line('GET /next HTTP/1.1')]);
      expect((await client.response()).body.toString()).to.equal('enough');
      expect((await client.response()).body.toString()).to.equal('next');
    });
  });

  it('that stop in the middle are an error of body$, and nothing is answered to a client that has gone', async () => {
    const errors: unknown[] = [];
    const tally = new Tally();
    const handler: Handler = mergeMap((request) =>
      request.body$.pipe(
        tap({ error: (error: unknown) => errors.push(error) }),
        toArray(),
        map(() => 'never'),
        finalize(() => tally.release()),
      ),
    );
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      await client.sendApart([post('Content-Length: 10', 'hello')]);
      await turns(5);
      client.abort();
      await tally.released();
      await site.letGo();
      expect(site.failures).to.deep.equal([]);
    });
    expect(errors.length).to.be.at.most(1);
  });

  it('can be echoed while they arrive', async () => {
    await withServer(
      map((request) => ({ body: request.body$ })),
      {},
      async (site) => {
        const client = await site.connect();
        client.send(CHUNKED_HEAD, '5\r\nhello\r\n');
        expect((await client.bodyBytes(5)).toString()).to.equal('hello');
        client.send('5\r\nworld\r\n');
        expect((await client.bodyBytes(10)).toString()).to.equal('helloworld');
        client.send('0\r\n\r\n', line('GET / HTTP/1.1'));
        expect((await client.response()).body.toString()).to.equal('helloworld');
        expect((await client.response()).status).to.equal(200);
      },
    );
  });

  it('read twice are an error the second time', async () => {
    const handler: Handler = mergeMap((request) =>
      request.body$.pipe(
        toArray(),
        mergeMap(() => request.body$),
      ),
    );
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send(post('Content-Length: 5', 'hello')).response()).status).to.equal(500);
      expect(site.codes).to.deep.equal(['RHK_BODY_USED']);
    });
  });

  it('are empty for a GET, however often they are read', async () => {
    const handler: Handler = mergeMap((request) =>
      concat(request.body$, request.body$).pipe(
        toArray(),
        map((pieces) => String(pieces.length)),
      ),
    );
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send(GET).response()).body.toString()).to.equal('0');
    });
  });

  it('give their trailers when they have ended, not before', async () => {
    const seen: unknown[] = [];
    const handler: Handler = mergeMap((request) => {
      seen.push({ ...request.trailers });
      return request.body$.pipe(
        toArray(),
        map(() => JSON.stringify(request.trailers)),
      );
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      await client.sendApart([CHUNKED_HEAD, '1\r\na\r\n0\r\n', 'A: b\r\n\r\n']);
      expect((await client.response()).body.toString()).to.equal('{"a":"b"}');
      expect(seen).to.deep.equal([{}]);
    });
  });
});
