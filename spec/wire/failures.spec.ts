import { expect } from 'chai';
import { concat, EMPTY, finalize, from, map, mergeMap, NEVER, of, type Observable, throwError } from 'rxjs';
import { HttpError, runServer, type Handler, type Reply } from 'rx-http-kit';
import { byPath, soon, untyped } from '../support/by-path.js';
import { turns } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { Site, withServer } from '../support/serve.js';
import { line } from './cases/case.js';

const SECRET = 'sesame';
const reply =
  (value: unknown): (() => Observable<Reply>) =>
  () =>
    of(untyped<Reply>(value));
const withHeaders = (headers: unknown): (() => Observable<Reply>) => reply({ headers, body: 'x' });
/** Not even `instanceof` can be asked of it. */
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable(new Error(SECRET), {});
  revoke();
  return proxy;
};

const failing =
  (what: unknown): (() => Observable<Reply>) =>
  () =>
    throwError(() => what);

/** Name → reply stream and the code of its event. The client gets a 500 that says nothing. */
const FAILURES: Readonly<Record<string, readonly [code: string, () => Observable<Reply>]>> = {
  'a CR in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\rb` })],
  'a LF in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\nb` })],
  'a CRLF and a header in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\r\nset-cookie: c=d` })],
  'a CRLF at the end of a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\r\n` })],
  'a NUL in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\0` })],
  'a control character in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\x1b` })],
  'DEL in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\x7f` })],
  'U+0100 in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}Ā` })],
  'U+010A, whose low byte is LF, in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}Ċset-cookie: c` })],
  'U+010D U+010A in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}čĊ` })],
  'U+2028 in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}\u2028` })],
  'an emoji in a header value': ['RHK_BAD_HEADER', withHeaders({ a: `${SECRET}😀` })],
  'a bad value in a list': ['RHK_BAD_HEADER', withHeaders({ 'set-cookie': ['a=b', `${SECRET}\n`] })],
  'a bad value in a Map': ['RHK_BAD_HEADER', withHeaders(new Map([['a', `${SECRET}\n`]]))],
  'an object as a header value': ['RHK_BAD_HEADER', withHeaders({ a: { toString: () => `${SECRET}\r\nb: c` } })],
  'a symbol as a header value': ['RHK_BAD_HEADER', withHeaders({ a: Symbol(SECRET) })],
  'a boolean as a header value': ['RHK_BAD_HEADER', withHeaders({ a: true })],
  'NaN as a header value': ['RHK_BAD_HEADER', withHeaders({ a: NaN })],
  'a bad content-type': ['RHK_BAD_HEADER', withHeaders({ 'content-type': `${SECRET}\r\n\r\n<script>` })],
  'a bad location': ['RHK_BAD_HEADER', withHeaders({ location: `/${SECRET}\r\nx: y` })],
  'an empty header name': ['RHK_BAD_HEADER', withHeaders({ '': SECRET })],
  'a space in a header name': ['RHK_BAD_HEADER', withHeaders({ 'a b': SECRET })],
  'a colon in a header name': ['RHK_BAD_HEADER', withHeaders({ 'a:': SECRET })],
  'a CRLF in a header name': ['RHK_BAD_HEADER', withHeaders({ [`a: b\r\n${SECRET}`]: 'c' })],
  'a letter above U+007F in a header name': ['RHK_BAD_HEADER', withHeaders({ é: SECRET })],
  'the Kelvin sign in a header name': ['RHK_BAD_HEADER', withHeaders({ '\u212aeep-alive': SECRET })],
  'a number as headers': ['RHK_BAD_HEADER', withHeaders(5)],
  'a string as headers': ['RHK_BAD_HEADER', withHeaders(SECRET)],
  'a negative content-length': ['RHK_BAD_HEADER', withHeaders({ 'content-length': -1 })],
  'a content-length that is a word': ['RHK_BAD_HEADER', withHeaders({ 'content-length': 'ten' })],
  'a content-length list': ['RHK_BAD_HEADER', withHeaders({ 'content-length': '5, 5' })],
  'status 0': ['RHK_BAD_STATUS', reply({ status: 0, body: SECRET })],
  'status 99': ['RHK_BAD_STATUS', reply({ status: 99, body: SECRET })],
  'status 100': ['RHK_BAD_STATUS', reply({ status: 100, body: SECRET })],
  'status 101': ['RHK_BAD_STATUS', reply({ status: 101, body: SECRET })],
  'status 199': ['RHK_BAD_STATUS', reply({ status: 199, body: SECRET })],
  'status 600': ['RHK_BAD_STATUS', reply({ status: 600, body: SECRET })],
  'status 1000': ['RHK_BAD_STATUS', reply({ status: 1_000, body: SECRET })],
  'status -200': ['RHK_BAD_STATUS', reply({ status: -200, body: SECRET })],
  'status 200.5': ['RHK_BAD_STATUS', reply({ status: 200.5, body: SECRET })],
  'status NaN': ['RHK_BAD_STATUS', reply({ status: NaN, body: SECRET })],
  'status Infinity': ['RHK_BAD_STATUS', reply({ status: Infinity, body: SECRET })],
  'status "200", a string': ['RHK_BAD_STATUS', reply({ status: '200', body: SECRET })],
  'status "length"': ['RHK_BAD_STATUS', reply({ status: 'length', body: SECRET })],
  'status "constructor"': ['RHK_BAD_STATUS', reply({ status: 'constructor', body: SECRET })],
  'status [200]': ['RHK_BAD_STATUS', reply({ status: [200], body: SECRET })],
  'status "200 OK\\r\\nx: y"': ['RHK_BAD_STATUS', reply({ status: '200 OK\r\nx: y', body: SECRET })],
  'a number': ['RHK_BAD_REPLY', reply(42)],
  zero: ['RHK_BAD_REPLY', reply(0)],
  'a boolean': ['RHK_BAD_REPLY', reply(true)],
  false: ['RHK_BAD_REPLY', reply(false)],
  'a bigint': ['RHK_BAD_REPLY', reply(5n)],
  'a symbol': ['RHK_BAD_REPLY', reply(Symbol(SECRET))],
  'a function': ['RHK_BAD_REPLY', reply(() => SECRET)],
  'a class': ['RHK_BAD_REPLY', reply(class Sesame {})],
  'a Date': ['RHK_BAD_REPLY', reply(new Date())],
  'a RegExp': ['RHK_BAD_REPLY', reply(/sesame/)],
  'an Error as a value': ['RHK_BAD_REPLY', reply(new Error(SECRET))],
  'a promise': ['RHK_BAD_REPLY', reply(Promise.resolve(SECRET))],
  'an object of other keys': ['RHK_BAD_REPLY', reply({ text: SECRET })],
  'a number as a body': ['RHK_BAD_REPLY', reply({ body: 42 })],
  'a function as a body': ['RHK_BAD_REPLY', reply({ body: () => SECRET })],
  'an object as a body': ['RHK_BAD_REPLY', reply({ body: { [SECRET]: 1 } })],
  'a list of numbers as a body': ['RHK_BAD_REPLY', reply({ body: [1, 2, 3] })],
  'an ArrayBuffer': ['RHK_BAD_REPLY', reply(new ArrayBuffer(5))],
  'an Error': ['RHK_HANDLER_FAILED', failing(new Error(SECRET))],
  'a string that is thrown': ['RHK_HANDLER_FAILED', failing(SECRET)],
  'null that is thrown': ['RHK_HANDLER_FAILED', failing(null)],
  'undefined that is thrown': ['RHK_HANDLER_FAILED', failing(undefined)],
  'a symbol that is thrown': ['RHK_HANDLER_FAILED', failing(Symbol(SECRET))],
  'an object without a prototype that is thrown': ['RHK_HANDLER_FAILED', failing(Object.create(null))],
  'an object with a status that is thrown': ['RHK_HANDLER_FAILED', failing({ status: 404, message: SECRET })],
  'an Error whose message throws': [
    'RHK_HANDLER_FAILED',
    failing(
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw new Error(SECRET);
        },
      }),
    ),
  ],
  'a proxy that was revoked': ['RHK_HANDLER_FAILED', failing(revoked())],
  'an Error after a turn': [
    'RHK_HANDLER_FAILED',
    () =>
      concat(
        soon(''),
        throwError(() => new Error(SECRET)),
      ).pipe(mergeMap(() => EMPTY)),
  ],
  'a promise that rejects': ['RHK_HANDLER_FAILED', () => from(Promise.reject<Reply>(new Error(SECRET)))],
  'an Error thrown by a projection': [
    'RHK_HANDLER_FAILED',
    () =>
      of(1).pipe(
        map((): Reply => {
          throw new TypeError(SECRET);
        }),
      ),
  ],
  'a body that fails before its first piece': ['RHK_HANDLER_FAILED', reply({ body: throwError(() => new Error(SECRET)) })],
  'a generator that throws before its first piece': [
    'RHK_HANDLER_FAILED',
    reply({
      // eslint-like shape: a generator that never yields
      body: (function* (): Generator<string> {
        if (SECRET.length > 0) throw new Error(SECRET);
        yield '';
      })(),
    }),
  ],
};

/** Runs `use` while nobody else hears of uncaught exceptions, and gives what came. */
const uncaughtDuring = async (use: () => Promise<void>): Promise<readonly unknown[]> => {
  const others = process.listeners('uncaughtException');
  const caught: unknown[] = [];
  const watch = (error: unknown): void => void caught.push(error);
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', watch);
  try {
    await use();
    // rxjs throws what a subscriber throws in a timer of its own: one of ours behind it has seen all of them
    await new Promise((resolve) => setTimeout(resolve, 0));
    await turns(2);
  } finally {
    process.removeListener('uncaughtException', watch);
    for (const other of others) process.on('uncaughtException', other);
  }
  return caught;
};

describe('handlers that fail', () => {
  let site: Site;
  const paths = Object.fromEntries(Object.values(FAILURES).map(([, run], index) => [`/${index}`, run]));

  before(async () => {
    site = await Site.start(byPath({ ...paths, '/good': () => of('good') }));
  });
  after(() => site.stop());

  for (const [index, [name, [code]]] of Object.entries(FAILURES).entries()) {
    it(`${name}: 500 for this exchange, an event, and nothing of it on the wire`, async () => {
      const client = await site.connect();
      const events = site.events.length;
      const good = line('GET /good HTTP/1.1');
      client.send(good, line(`GET /${index} HTTP/1.1`), good);
      expect((await client.response()).body.toString(), 'before').to.equal('good');
      const response = await client.response();
      expect(response.status).to.equal(500);
      expect(response.body.toString('latin1') + JSON.stringify(response.fields)).to.not.match(/sesame|script|set-cookie|at .*\.js/i);
      expect((await client.response()).body.toString(), 'after').to.equal('good');
      expect(site.codes.slice(events), 'events').to.deep.equal([code]);
      expect(site.events[events].type).to.equal('failure');
      client.leave();
    });
  }

  it('gives the cause to those who watch', async () => {
    const cause = new Error('the cause');
    await withServer(
      mergeMap(() => throwError(() => cause)),
      {},
      async (own) => {
        const client = await own.connect();
        expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
        expect(own.events[0].error?.cause).to.equal(cause);
      },
    );
  });
});

describe('handlers that answer with an error', () => {
  it('HttpError gives its status, message and headers, and the connection lives on', async () => {
    const handler = byPath({
      '/': () => throwError(() => new HttpError(418, 'short and stout', { headers: { 'x-a': 'b' } })),
      '/good': () => of('good'),
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      const response = await client.send(line('GET / HTTP/1.1')).response();
      expect(response.status).to.equal(418);
      expect(response.body.toString()).to.equal('short and stout');
      expect(valueOf(response, 'x-a')).to.equal('b');
      expect((await client.send(line('GET /good HTTP/1.1')).response()).body.toString()).to.equal('good');
      expect(site.failures).to.deep.equal([]);
    });
  });

  it('HttpError with a bad header is a 500', async () => {
    const handler = byPath({ '/': () => throwError(() => new HttpError(400, 'no', { headers: { a: `${SECRET}\r\nb: c` } })) });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      const response = await client.send(line('GET / HTTP/1.1')).response();
      expect(response.status).to.equal(500);
      expect(JSON.stringify(response.fields)).to.not.include(SECRET);
      expect((await client.send(line('GET /nowhere HTTP/1.1')).response()).status).to.equal(404);
      expect(site.codes).to.deep.equal(['RHK_BAD_HEADER']);
    });
  });

  it('an empty reply is 404', async () => {
    await withServer(
      mergeMap(() => EMPTY),
      {},
      async (site) => {
        const client = await site.connect();
        expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(404);
        expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(404);
        expect(site.failures).to.deep.equal([]);
      },
    );
  });

  it('a handler that throws when it is applied is a 500', async () => {
    const handler: Handler = () => {
      throw new Error(SECRET);
    };
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
      expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
      expect(site.codes).to.deep.equal(['RHK_HANDLER_FAILED', 'RHK_HANDLER_FAILED']);
    });
  });

  it('a handler that gives no Observable is a 500', async () => {
    await withServer(
      untyped<Handler>(() => undefined),
      {},
      async (site) => {
        const client = await site.connect();
        expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
        expect(site.codes).to.deep.equal(['RHK_BAD_REPLY']);
      },
    );
  });

  it('a handler that never answers holds up nobody else', async () => {
    await withServer(byPath({ '/never': () => NEVER, '/good': () => of('good') }), {}, async (site) => {
      const stuck = await site.connect();
      stuck.send(line('GET /never HTTP/1.1'));
      const other = await site.connect();
      expect((await other.send(line('GET /good HTTP/1.1')).response()).body.toString()).to.equal('good');
      expect(stuck.received).to.equal(0);
    });
  });
});

describe('finalizers that throw', () => {
  const explode = (): void => {
    throw new Error(SECRET);
  };
  // at the end of the handler: rxjs itself loses the completion of an inner stream whose finalizer throws
  const handlers: Readonly<Record<string, Handler>> = {
    'of a reply that completes at once': (requests$) =>
      requests$.pipe(
        map(() => 'good'),
        finalize(explode),
      ),
    'of a reply that completes later': (requests$) =>
      requests$.pipe(
        mergeMap(() => soon('good')),
        finalize(explode),
      ),
    'of a body that completes at once': map(() => ({ body: of('good').pipe(finalize(explode)) })),
    'of a body that completes later': map(() => ({ body: soon('good').pipe(finalize(explode)) })),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    it(`${name}: the client gets the reply or a 500, those who watch an event, the process nothing`, async () => {
      let codes: readonly string[] = [];
      const uncaught = await uncaughtDuring(() =>
        withServer(handler, {}, async (site) => {
          const client = await site.connect();
          expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.be.oneOf([200, 500]);
          expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.be.oneOf([200, 500]);
          codes = site.codes;
        }),
      );
      expect(uncaught, 'uncaught').to.deep.equal([]);
      expect(codes, 'events').to.have.length(2);
    });
  }

  it('of a reply that the client leaves: an event, the process nothing', async () => {
    const handler: Handler = (requests$) =>
      requests$.pipe(
        mergeMap(() => concat(of('begun'), NEVER)),
        finalize(explode),
      );
    let codes: readonly string[] = [];
    const uncaught = await uncaughtDuring(() =>
      withServer(handler, {}, async (site) => {
        const client = await site.connect();
        client.send(line('GET / HTTP/1.1'));
        await client.bodyBytes(5);
        client.abort();
        await site.letGo();
        codes = site.codes;
      }),
    );
    expect(uncaught, 'uncaught').to.deep.equal([]);
    expect(codes, 'events').to.have.length(1);
  });
});

describe('replies that fail after their head has left', () => {
  const head = concat(of('begun'), soon(''));
  const handler = byPath({
    '/error': () =>
      concat(
        head,
        throwError(() => new Error(SECRET)),
      ),
    '/http-error': () =>
      concat(
        head,
        throwError(() => new HttpError(404, SECRET)),
      ),
    '/garbage': () => concat(head, of(untyped<Reply>(42))),
    '/too-few': () => concat(of<Reply>({ headers: { 'content-length': '20' }, body: 'begun' }), soon('')),
    '/too-many': () => concat(of<Reply>({ headers: { 'content-length': '7' }, body: 'begun' }), soon('and more than that')),
    '/body-error': () =>
      of<Reply>({
        body: concat(
          of('begun'),
          soon(''),
          throwError(() => new Error(SECRET)),
        ),
      }),
  });

  for (const [path, code] of Object.entries({
    '/error': 'RHK_HANDLER_FAILED',
    '/http-error': null,
    '/garbage': 'RHK_BAD_REPLY',
    '/too-few': 'RHK_BODY_LENGTH',
    '/too-many': 'RHK_BODY_LENGTH',
    '/body-error': 'RHK_HANDLER_FAILED',
  })) {
    for (const version of ['1.1', '1.0']) {
      it(`${path} in HTTP/${version}: the client can tell that it was cut`, async () => {
        await withServer(handler, {}, async (site) => {
          const client = await site.connect();
          client.send(`GET ${path} HTTP/${version}\r\nHost: x\r\n\r\n`, line('GET /smuggled HTTP/1.1'));
          const { ending, body, isComplete } = await client.cut();
          const framed = version === '1.1' || path.startsWith('/too');
          if (framed) expect(isComplete, 'a complete reply').to.equal(false);
          else expect(ending, 'a reply that only a reset can tell from a whole one').to.equal('reset');
          expect('begun'.startsWith(body.toString().slice(0, 5)), body.toString()).to.equal(true);
          expect(body.length, 'never more than declared').to.be.at.most(7);
          expect(body.toString()).to.not.include(SECRET);
          if (code !== null) expect(site.codes).to.deep.equal([code]);
          await site.letGo();
        });
      });
    }
  }
});

describe('those who watch a server', () => {
  it('may throw without harm to the server or the process', async () => {
    const uncaught = await uncaughtDuring(() =>
      withServer(
        mergeMap(() => throwError(() => new Error('of the handler'))),
        {},
        async (site) => {
          site.server.events$.subscribe(() => {
            throw new Error('of the watcher');
          });
          const client = await site.connect();
          expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
          expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(500);
          expect(site.events, 'for the other watcher').to.have.length(2);
        },
      ),
    );
    // rxjs itself hands what a subscriber throws to the process; nothing else may come with it
    expect(uncaught.filter((error) => !(error instanceof Error && error.message === 'of the watcher'))).to.deep.equal([]);
  });

  /** Lines that go to the console while `use` runs. */
  const printedDuring = async (use: () => Promise<void>): Promise<readonly string[]> => {
    const printed: string[] = [];
    const original = console.error;
    const originalWrite = process.stderr.write;
    console.error = (...words: unknown[]) => void printed.push(words.join(' '));
    process.stderr.write = untyped<typeof process.stderr.write>((text: string) => printed.push(text) > 0);
    try {
      await use();
    } finally {
      console.error = original;
      process.stderr.write = originalWrite;
    }
    return printed;
  };

  const failOnce = async (watched: boolean): Promise<void> => {
    const server = await runServer(
      mergeMap(() => throwError(() => new Error('of the\nhandler'))),
      { ip: '127.0.0.1', port: 0 },
    );
    try {
      if (watched) server.events$.subscribe();
      const response = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { connection: 'close' } });
      expect(response.status).to.equal(500);
      await response.text();
    } finally {
      await server.stop({ timeout: 0 });
    }
  };

  it('keep the console quiet', async () => {
    expect(await printedDuring(() => failOnce(true))).to.deep.equal([]);
  });

  it('are stood in for by one line on the console', async () => {
    const printed = await printedDuring(() => failOnce(false));
    expect(printed).to.have.length(1);
    expect(printed[0].trimEnd()).to.include('of the handler').and.not.include('\n');
  });
});
