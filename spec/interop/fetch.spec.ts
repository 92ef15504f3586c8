import { asText, type Handler, HttpError, OptionError } from '#src/index.js';
import { fromFetch, toFetch, toNodeListener } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { inject, request } from '#src/testing/index.js';
import { expect } from 'chai';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { concat, defer, EMPTY, finalize, map, mergeMap, NEVER, of, throwError } from 'rxjs';
import { RawClient, turns, until, untilAtRest } from '../support/raw-client.js';
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

  it('reads the address of the client where the server knows it, as Deno tells it too', async () => {
    const tell = toFetch(map(({ remoteAddr }) => `${typeof remoteAddr} ${remoteAddr}`));
    const request = new Request('http://test/');
    expect(await (await tell(request, { remoteAddr: '192.0.2.7' })).text()).to.equal('string 192.0.2.7');
    const deno = { remoteAddr: { transport: 'tcp', hostname: '192.0.2.8', port: 50_000 }, completed: Promise.resolve() };
    expect(await (await tell(request, deno)).text()).to.equal('string 192.0.2.8');
    const bun = { requestIP: () => null, port: 1 };
    expect(await (await tell(request, bun as object)).text()).to.equal('string ');
  });

  it('answers 400 for a body that is none', async () => {
    for (const piece of ['text', null, 5]) {
      const stream = new ReadableStream({ start: (controller) => (controller.enqueue(piece), controller.close()) });
      const response = await ask('/echo', { method: 'POST', body: stream, duplex: 'half' } as RequestInit); // `duplex` is missing in its type
      expect(response.status, String(piece)).to.equal(400);
    }
    expect((await ask('/echo', { method: 'POST', body: 'x', headers: { 'content-length': 'many' } })).status).to.equal(200);
  });

  it('does not run the handler for a request that is aborted already', async () => {
    let runs = 0;
    const counted = toFetch(map(() => String(++runs)));
    const outcome = await counted(new Request('http://test/', { signal: AbortSignal.abort() })).catch((error: unknown) => error);
    expect([Reflect.get(Object(outcome), 'name'), runs]).to.deep.equal(['AbortError', 0]);
  });

  it('pulls of an endless body no more than the reader of its response wants', async () => {
    let pulls = 0;
    let cancelled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulls++;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => void cancelled++,
    });
    const echo = toFetch(
      map(({ body$ }) => ({ body: body$ })),
      { maxBody: Infinity },
    );
    const response = await echo(new Request('http://test/', { method: 'POST', body: endless, duplex: 'half' } as RequestInit)); // missing in its type
    const reader = (response.body as ReadableStream<Uint8Array>).getReader(); // it has one
    for (let i = 0; i < 20; i++) await reader.read();
    await turns(5);
    expect(pulls).to.be.within(20, 30);
    await reader.cancel();
    await turns(5);
    expect(cancelled).to.equal(1);
  });

  it('gives pieces that are nobody else’s memory', async () => {
    const response = await toFetch(mergeMap(() => concat(of('one'), nextTurn, of('two'))))(new Request('http://test/'));
    const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read(); // it has one
    expect([value?.byteLength, value?.buffer.byteLength]).to.deep.equal([3, 3]);
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

  it('cancels a response that comes when its client has gone', async () => {
    let cancelled = 0;
    let answer: (response: Response) => void = () => {};
    const handler = fromFetch(() => new Promise((resolve) => (answer = resolve)));
    const subscription = handler(of(request('/'))).subscribe();
    await turns(1);
    subscription.unsubscribe();
    answer(new Response(new ReadableStream({ cancel: () => void cancelled++ })));
    await turns(1);
    expect(cancelled).to.equal(1);
  });

  it('cancels the body of a reply that has none', async () => {
    let cancelled = 0;
    const handler = fromFetch(() => new Response(new ReadableStream({ cancel: () => void cancelled++ })));
    expect((await inject(handler, { method: 'HEAD' }).collect()).status).to.equal(200);
    expect(cancelled).to.equal(1);
  });

  it('says what is wrong with a response that cannot be sent', async () => {
    const used = new Response('used');
    await used.text();
    const answers: readonly (readonly [unknown, string])[] = [
      [undefined, 'undefined, not a Response'],
      ['text', 'a string, not a Response'],
      [Response.error(), 'status of a reply is 0'],
      [used, 'used'],
    ];
    for (const [answered, message] of answers) {
      const { status, events } = await inject(
        fromFetch(() => answered as Response),
        '/',
      ).collect(); // untyped applications
      expect([status, events.length], message).to.deep.equal([500, 1]);
      expect(String(events[0].error.message)).to.include(message);
    }
    const redirect = await inject(
      fromFetch(() => Response.redirect('http://test/there', 303)),
      '/',
    ).collect();
    expect([redirect.status, redirect.headers['location'], redirect.text]).to.deep.equal([303, 'http://test/there', '']);
  });

  it('lets no host become a path', async () => {
    const seen: string[] = [];
    const handler = fromFetch(({ url }) => (seen.push(url), new Response('x')));
    const listener = toNodeListener(handler); // Node.js's own server looks at no host
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await RawClient.open({ port: (server.address() as AddressInfo).port }); // TCP
    for (const host of ['x/admin?', 'x#', 'me@x', 'x\\y', 'a b']) {
      client.send(`GET /public HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      expect((await client.response()).status, host).to.equal(400);
    }
    client.send('GET /public HTTP/1.1\r\nhost: [::1]:80\r\n\r\n');
    expect((await client.response()).status).to.equal(200);
    expect(seen).to.deep.equal(['http://[::1]/public']);
    client.abort();
    server.close();
    await once(server, 'close');
  });

  it('tells the application who its client is', async () => {
    const handler = fromFetch((_request, { remoteAddr }) => new Response(remoteAddr));
    expect((await inject(handler, { remoteAddr: '192.0.2.9' }).collect()).text).to.equal('192.0.2.9');
    expect((await inject(fromFetch(toFetch(map(({ remoteAddr }) => remoteAddr))), { remoteAddr: '192.0.2.9' }).collect()).text).to.equal(
      '192.0.2.9',
    );
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
