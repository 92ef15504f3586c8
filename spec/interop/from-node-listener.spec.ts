import { asText, type Handler, notFound, OptionError } from '#src/index.js';
import { fromNodeListener } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { inject } from '#src/testing/index.js';
import { expect } from 'chai';
import express from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { map } from 'rxjs';
import { RawClient, until, untilAtRest } from '../support/raw-client.js';
import { type Fetch, withFetch } from '../support/fetch-agent.js';
import { type Site, withServer } from '../support/serve.js';

/** A server, and a fetch whose connections end with it. */
const withSite = (handler: Handler, use: (site: Site, fetch: Fetch) => Promise<void>): Promise<void> =>
  withServer(handler, {}, (site) => withFetch(4, (fetch) => use(site, fetch)));

describe('fromNodeListener', () => {
  const log: string[] = [];
  beforeEach(() => (log.length = 0));

  const app = express();
  app.get('/hello/:name', (request, response) => {
    response
      .cookie('a', '1')
      .cookie('b', '2')
      .json({ name: request.params.name, q: request.query['q'], ip: request.ip, host: request.hostname });
  });
  app.post(
    '/json',
    express.json({ limit: '1kb' }),
    (request, response) => void response.status(201).send(`got ${JSON.stringify(request.body)}`),
  );
  app.get('/stream', (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.on('close', () => log.push('closed'));
    response.write('one ');
    response.write('two');
  });
  app.get('/cut', (_request, response) => {
    response.write('some');
    setImmediate(() => response.destroy());
  });
  app.get('/hangs-up', (request) => request.socket.destroy());
  app.get('/throws', () => {
    throw new Error('secret');
  });
  app.get('/nothing', (_request, response) => void response.status(204).end());
  let written = 0;
  app.get('/large', (_request, response) => {
    const fill = (): void => {
      while (written < 1_000) {
        written++;
        if (!response.write(Buffer.alloc(65_536, 'x'))) return void response.once('drain', fill);
      }
      response.end();
    };
    fill();
  });

  const handler: Handler = routes(
    get(
      '/ours',
      map(() => 'ours'),
    ),
    fromNodeListener(app),
    post('/late', asText()),
    notFound('nobody'),
  );

  it('runs Express: params, query, bodies, cookies, its errors', async () => {
    await withSite(handler, async ({ origin }, fetch) => {
      const response = await fetch(`${origin}/hello/a%20b?q=1`);
      expect([await response.json(), response.headers.getSetCookie().length]).to.deep.equal([
        { name: 'a b', q: '1', ip: '127.0.0.1', host: '127.0.0.1' },
        2,
      ]);
      const headers = { 'content-type': 'application/json' };
      const made = await fetch(`${origin}/json`, { method: 'POST', body: '{"a":1}', headers });
      expect([made.status, await made.text()]).to.deep.equal([201, 'got {"a":1}']);
      expect((await fetch(`${origin}/json`, { method: 'POST', body: JSON.stringify('x'.repeat(2_000)), headers })).status).to.equal(413);
      const stream = new Blob(['{"b":', '2}']).stream();
      const chunked = await fetch(`${origin}/json`, { method: 'POST', body: stream, headers, duplex: 'half' } as RequestInit); // missing in its type
      expect(await chunked.text()).to.equal('got {"b":2}');
      expect((await fetch(`${origin}/nothing`)).status).to.equal(204);
      const head = await fetch(`${origin}/hello/x`, { method: 'HEAD' });
      expect([head.status, Number(head.headers.get('content-length')) > 20, await head.text()]).to.deep.equal([200, true, '']);
    });
  });

  it('passes on what the application does not want, its body unread', async () => {
    await withSite(handler, async ({ origin }, fetch) => {
      expect(await (await fetch(`${origin}/ours`)).text()).to.equal('ours');
      expect(await (await fetch(`${origin}/late`, { method: 'POST', body: 'text' })).text()).to.equal('text');
      expect(await (await fetch(`${origin}/none`)).text()).to.equal('nobody');
    });
  });

  it('makes errors of the application its own', async () => {
    const { status, text, events } = await inject(handler, '/throws').collect();
    expect([status, text, events.map(({ error }) => error.message)]).to.deep.equal([
      500,
      'internal server error',
      ['handler failed: secret'],
    ]);
    const hungUp = await inject(handler, '/hangs-up').collect();
    expect([hungUp.status, hungUp.events.length]).to.deep.equal([500, 1]);
  });

  it('cuts what the application cuts', async () => {
    await withSite(handler, async ({ port, events }) => {
      const client = await RawClient.open({ port });
      client.send('GET /cut HTTP/1.1\r\nhost: x\r\n\r\n');
      expect((await client.cut()).isComplete).to.equal(false);
      await until('the event', () => events.length === 1);
      client.leave();
    });
  });

  it('closes the response when the client leaves, and streams until then', async () => {
    await withSite(handler, async ({ port }) => {
      const client = await RawClient.open({ port });
      client.send('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n');
      expect(String(await client.bodyBytes(7))).to.equal('one two');
      client.abort();
      await until('closed', () => log.length === 1);
    });
  });

  it('lets the application write no more than the client takes', async () => {
    written = 0;
    await withSite(handler, async ({ port }) => {
      const client = await RawClient.open({ port });
      client.pause();
      client.send('GET /large HTTP/1.1\r\nhost: x\r\n\r\n');
      await untilAtRest('the writes', () => written);
      expect(written).to.be.below(300);
      client.resume();
      const { body } = await client.response();
      expect(body.length).to.equal(1_000 * 65_536);
      client.leave();
    });
  });

  it('runs a plain listener', async () => {
    const plain = (request: IncomingMessage, response: ServerResponse) =>
      void response.end(`${request.method} ${request.url} ${request.httpVersion}`);
    expect((await inject(fromNodeListener(plain), { uri: '/a?b', method: 'PUT' }).collect()).text).to.equal('PUT /a?b 1.1');
    const throwing = fromNodeListener(() => {
      throw new Error('at once');
    });
    expect((await inject(throwing, '/').collect()).status).to.equal(500);
  });

  it('refuses what is none', () => {
    expect(() => fromNodeListener('x' as unknown as () => void)).to.throw(OptionError); // untyped callers
  });
});
