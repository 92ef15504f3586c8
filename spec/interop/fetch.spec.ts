import { asText, type Handler, HttpError, OptionError } from '#src/index.js';
import { fromFetch, toFetch } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { expect } from 'chai';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { concat, defer, EMPTY, finalize, map, mergeMap, NEVER, of, throwError } from 'rxjs';
import { RawClient, until, untilAtRest } from '../support/raw-client.js';
import { type Fetch, withFetch } from '../support/fetch-agent.js';
import { type Site, withServer } from '../support/serve.js';

/** A server, and a fetch whose connections end with it. */
const withSite = (handler: Handler, use: (site: Site, fetch: Fetch) => Promise<void>): Promise<void> =>
  withServer(handler, {}, (site) => withFetch(4, (fetch) => use(site, fetch)));

const nextTurn = defer(() => new Promise<string>((resolve) => setImmediate(resolve, ''))).pipe(mergeMap(() => EMPTY));
const fails = nextTurn.pipe((source$) =>
  concat(
    source$,
    throwError(() => new Error('late')),
  ),
);

describe('toFetch', () => {
  let log: string[] = [];
  beforeEach(() => (log = []));
  const piece = Buffer.alloc(65_536, 'x');
  const app: Handler = routes(
    get(
      '/hello/:name',
      map(({ params, query, scheme, serverName, serverPort, headers }) =>
        JSON.stringify([params.name, query['q'], scheme, serverName, serverPort, headers['x-a']]),
      ),
    ),
    post('/echo', asText()),
    get(
      '/cookies',
      map(() => ({ status: 201, headers: { 'set-cookie': ['a=1', 'b=2'], 'transfer-encoding': 'chunked' }, body: 'x' })),
    ),
    get(
      '/stream',
      mergeMap(() => concat(of('one '), nextTurn, of('two'))),
    ),
    get(
      '/nothing',
      map(() => ({ status: 204 })),
    ),
    get(
      '/teapot',
      mergeMap(() => throwError(() => new HttpError(418, 'short'))),
    ),
    get(
      '/late',
      mergeMap(() => concat(of('some'), fails)),
    ),
    get(
      '/endless',
      mergeMap(() => concat(of('begun'), NEVER).pipe(finalize(() => log.push('let go')))),
    ),
    get(
      '/silent',
      mergeMap(() => NEVER.pipe(finalize(() => log.push('let go')))),
    ),
    get(
      '/pulled',
      map(() => ({ body: numbers() })),
    ),
  );
  let pulled = 0;
  function* numbers(): Generator<Buffer> {
    try {
      for (; pulled < 100; pulled++) yield piece;
    } finally {
      log.push('returned');
    }
  }
  const fetched = toFetch(app, { maxBody: 10, onEvent: ({ error }) => log.push(error.message) });
  const ask = (path: string, init?: RequestInit) => fetched(new Request(`https://test:8443${path}`, init));

  it('gives the handler its request, and the reply as a Response', async () => {
    const response = await ask('/hello/a%20b?q=1', { headers: { 'x-a': 'b' } });
    expect(await response.json()).to.deep.equal(['a b', '1', 'https', 'test', 8443, 'b']);
    const cookies = await ask('/cookies');
    expect([
      cookies.status,
      cookies.headers.getSetCookie(),
      cookies.headers.get('transfer-encoding'),
      cookies.headers.get('content-length'),
    ]).to.deep.equal([201, ['a=1', 'b=2'], null, '1']);
    expect([(await ask('/nothing')).status, (await ask('/none')).status, (await ask('/teapot')).status]).to.deep.equal([204, 404, 418]);
    expect((await ask('/hello/x', { method: 'HEAD' })).body).to.equal(null);
  });

  it('reads bodies, and refuses those that are too large', async () => {
    expect(await (await ask('/echo', { method: 'POST', body: 'text' })).text()).to.equal('text');
    expect((await ask('/echo', { method: 'POST', body: 'x'.repeat(11) })).status).to.equal(413);
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
    expect((await ask('/echo', { method: 'POST', body: stream, duplex: 'half' } as RequestInit)).status).to.equal(413); // `duplex` is missing in its type
  });

  it('streams, and breaks off what fails behind its head', async () => {
    const response = await ask('/stream');
    expect([response.headers.get('content-length'), await response.text()]).to.deep.equal([null, 'one two']);
    let failed: unknown;
    await (await ask('/late')).text().catch((error: unknown) => (failed = error));
    expect(failed).to.be.instanceOf(Error).with.property('message', 'the reply was broken off');
    expect(log).to.deep.equal(['handler failed: late']);
  });

  it('pulls no more than is read', async () => {
    pulled = 0;
    const response = await ask('/pulled');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader(); // it has one
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).to.be.below(5);
    await reader.cancel();
    expect(log).to.deep.equal(['returned']);
    pulled = 0;
    expect((await (await ask('/pulled')).arrayBuffer()).byteLength).to.equal(100 * piece.length);
  });

  it('unsubscribes when the request is aborted, before a response and within it, and when its body is cancelled', async () => {
    const leave = new AbortController();
    const waiting = ask('/silent', { signal: leave.signal });
    leave.abort();
    let failed: unknown;
    await waiting.catch((error: unknown) => (failed = error));
    expect([Reflect.get(Object(failed), 'name'), log]).to.deep.equal(['AbortError', ['let go']]);
    const later = new AbortController();
    const response = await ask('/endless', { signal: later.signal });
    later.abort();
    await response.text().catch((error: unknown) => (failed = error));
    expect(log).to.deep.equal(['let go', 'let go']);
    await (await ask('/endless')).body?.cancel();
    expect(log).to.deep.equal(['let go', 'let go', 'let go']);
    const late = await ask('/silent', { signal: AbortSignal.abort() }).catch(() => 'rejected');
    expect(late).to.equal('rejected');
  });

  it('serves what fromFetch made of it as it serves itself', async () => {
    const twice = toFetch(fromFetch(fetched));
    const response = await twice(new Request('https://test:8443/hello/x?q=2', { headers: { 'x-a': 'c' } }));
    expect(await response.json()).to.deep.equal(['x', '2', 'https', 'test', 8443, 'c']);
    expect(await (await twice(new Request('https://test/echo', { method: 'POST', body: 'text' }))).text()).to.equal('text');
  });

  it('refuses what is no handler', () => {
    expect(() => toFetch('x' as unknown as Handler)).to.throw(OptionError); // untyped callers
    expect(() => fromFetch('x' as unknown as typeof fetched)).to.throw(OptionError); // untyped callers
  });
});

describe('fromFetch', () => {
  const log: string[] = [];
  const hono = new Hono();
  hono.get('/hello/:name', (c) => {
    c.header('set-cookie', 'a=1', { append: true });
    c.header('set-cookie', 'b=2', { append: true });
    return c.json({ name: c.req.param('name'), q: c.req.query('q') });
  });
  hono.post('/echo', async (c) => c.text((await c.req.text()).toUpperCase()));
  hono.post('/ignored', (c) => c.text('not read', 403));
  hono.get('/stream', (c) =>
    streamText(c, async (stream) => {
      stream.onAbort(() => void log.push('aborted'));
      c.req.raw.signal.addEventListener('abort', () => log.push('signal'));
      await stream.write('one ');
      await stream.write('two');
      await new Promise((resolve) => stream.onAbort(() => resolve(undefined)));
    }),
  );
  hono.get('/pulled', (c) => {
    let count = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulls = ++count;
        if (count > 500) controller.close();
        else controller.enqueue(Buffer.alloc(65_536));
      },
    });
    return c.body(body);
  });
  let pulls = 0;

  it('serves Hono: params, bodies, cookies, its 404', async () => {
    await withSite(fromFetch(hono.fetch), async (site, fetch) => {
      const url = `http://127.0.0.1:${site.port}`;
      const response = await fetch(`${url}/hello/a%20b?q=1`);
      expect([await response.json(), response.headers.getSetCookie()]).to.deep.equal([{ name: 'a b', q: '1' }, ['a=1', 'b=2']]);
      expect(await (await fetch(`${url}/echo`, { method: 'POST', body: 'text' })).text()).to.equal('TEXT');
      expect((await fetch(`${url}/ignored`, { method: 'POST', body: 'x'.repeat(1_000_000) })).status).to.equal(403);
      expect([(await fetch(`${url}/hello/x`, { method: 'HEAD' })).status, (await fetch(`${url}/none`)).status]).to.deep.equal([200, 404]);
    });
  });

  it('serves h3', async () => {
    const h3 = new H3()
      .get('/hello/:name', (event) => ({ name: event.context.params?.['name'] }))
      .post('/echo', async (event) => await event.req.text());
    await withSite(
      fromFetch((request) => h3.fetch(request)),
      async (site, fetch) => {
        const url = `http://127.0.0.1:${site.port}`;
        expect(await (await fetch(`${url}/hello/x`)).json()).to.deep.equal({ name: 'x' });
        expect(await (await fetch(`${url}/echo`, { method: 'POST', body: 'text' })).text()).to.equal('text');
      },
    );
  });

  it('aborts when the client leaves, and pulls no more than it takes', async () => {
    await withSite(fromFetch(hono.fetch), async (site, fetch) => {
      const leave = new AbortController();
      const response = await fetch(`http://127.0.0.1:${site.port}/stream`, { signal: leave.signal });
      await response.body?.getReader().read();
      leave.abort();
      await until('aborted', () => log.length === 2);
      expect(log.sort()).to.deep.equal(['aborted', 'signal']);
      const client = await RawClient.open({ port: site.port });
      client.pause();
      client.send('GET /pulled HTTP/1.1\r\nhost: x\r\n\r\n');
      await untilAtRest('the pulls', () => pulls);
      expect(pulls).to.be.below(300);
      client.abort();
    });
  });

  it('answers what no Request can be', async () => {
    await withSite(fromFetch(hono.fetch), async (site) => {
      const client = await RawClient.open({ port: site.port });
      client.send('TRACE / HTTP/1.1\r\nhost: x\r\n\r\n');
      expect((await client.response()).status).to.equal(501);
      client.abort();
    });
  });
});
