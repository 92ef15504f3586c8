import { asText, type Handler, notFound, OptionError } from '#src/index.js';
import { fromNodeListener, toNodeListener } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { inject } from '#src/testing/index.js';
import { expect } from 'chai';
import express from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { map, of } from 'rxjs';
import { RawClient, until, untilAtRest } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { type Fetch, withFetch } from '../support/fetch-agent.js';
import { type Site, withServer } from '../support/serve.js';

/** A server, and a fetch whose connections end with it. */
const withSite = (handler: Handler, use: (site: Site, fetch: Fetch) => Promise<void>): Promise<void> =>
  withServer(handler, {}, (site) => withFetch(4, (fetch) => use(site, fetch)));

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

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

  it('cuts a reply that ends before its content-length', async () => {
    const short = fromNodeListener((_request, response) => {
      response.setHeader('content-length', 10);
      response.end('four');
    });
    let failed: unknown;
    await inject(short, '/')
      .collect({ timeoutMs: 1_000 })
      .catch((error: unknown) => (failed = error));
    expect(String(failed)).to.include('the reply was cut: 200 with 4 octets');
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

  it('keeps the connection, unless the application closes it', async () => {
    const listener = fromNodeListener((request, response) => {
      if (request.url === '/last') response.setHeader('connection', 'close');
      response.end('x');
    });
    await withServer(listener, {}, async (site) => {
      const client = await site.connect();
      for (let i = 0; i < 3; i++) expect(valueOf(await client.send(GET('/')).response(), 'connection')).to.equal(undefined);
      expect(valueOf(await client.send(GET('/last')).response(), 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
    });
  });

  it('tells the application of its end as Node.js does: finish, then close, and nothing was aborted', async () => {
    for (const path of ['/whole', '/streamed', '/counted', '/unread']) {
      const seen: string[] = [];
      let closed = false;
      const listener = fromNodeListener((request, response) => {
        request.on('aborted', () => seen.push('aborted')).on('error', () => seen.push('request error'));
        response.on('error', () => seen.push('response error'));
        response.on('finish', () => seen.push('finish'));
        response.on('close', () => {
          seen.push(`close ${response.writableFinished}`);
          closed = true;
        });
        if (path === '/streamed') {
          response.write('one');
          setImmediate(() => response.end('two'));
        } else if (path === '/counted') {
          response.setHeader('content-length', 3);
          response.write('one');
          setImmediate(() => setImmediate(() => response.end())); // as `pipe` does: the end comes behind the last piece
        } else {
          response.end('x');
        }
      });
      const parts = path === '/unread' ? { uri: path, method: 'POST', body: 'x'.repeat(100_000) } : { uri: path };
      expect((await inject(listener, parts).collect()).status).to.equal(200);
      await until('closed', () => closed);
      expect(seen, path).to.deep.equal(['finish', 'close true']);
    }
  });

  it('refuses a body that is too large with 413, and tells the application', async () => {
    let told = 0;
    const listener = fromNodeListener((request, response) => {
      request.on('error', () => told++).on('end', () => response.end('whole'));
      request.resume();
    });
    const chunks$ = of('x'.repeat(60), 'x'.repeat(60));
    for (const body of ['x'.repeat(101), chunks$]) {
      const { status, events } = await inject(listener, { method: 'POST', body }).collect({ server: { maxBody: 100 } });
      expect([status, events.map(({ type }) => type)]).to.deep.equal([413, ['client']]);
    }
    await until('the application has been told', () => told === 1); // of the one whose length nobody knew
  });

  it('takes heads as large as the server around takes, and methods that Node.js does not know are a 501', async () => {
    const listener = fromNodeListener((request, response) => response.end(String(Object.keys(request.headers).length)));
    const headers = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-${i}`, 'y'.repeat(1_000)]));
    const { status, text } = await inject(listener, { headers }).collect();
    expect([status, Number(text)]).to.deep.equal([200, 41]);
    const unknown = await inject(listener, { method: 'FOO' }).collect();
    expect([unknown.status, unknown.events.length]).to.deep.equal([501, 0]);
  });

  it('gives an application that passes on behind its head what it has answered', async () => {
    const passing = fromNodeListener((_request, response, next) => {
      response.write('whole');
      next(); // as a middleware that only looks
      setImmediate(() => response.end());
    });
    expect((await inject(passing, '/').collect()).text).to.equal('whole');
    const failing = fromNodeListener((_request, response, next) => {
      response.write('some');
      setImmediate(() => next(new Error('late')));
    });
    let failed: unknown;
    await inject(failing, '/')
      .collect()
      .catch((error: unknown) => (failed = error));
    expect(String(failed)).to.include('was cut');
  });

  it('answers 500 for an application that switches protocols by itself', async () => {
    const listener = fromNodeListener((_request, response) => void response.writeHead(101).end());
    expect((await inject(listener, '/').collect()).status).to.equal(500);
  });

  it('lets the application set its own timeouts', async () => {
    const listener = fromNodeListener((_request, response) => {
      response.setTimeout(20, () => response.writeHead(503).end('waited'));
    });
    const { status, text } = await inject(listener, '/').collect();
    expect([status, text]).to.deep.equal([503, 'waited']);
  });

  it('answers what the application said without a length, 1xx before it, trailers behind it', async () => {
    const listener = fromNodeListener((request, response) => {
      response.writeProcessing();
      response.writeContinue();
      if (request.url === '/trailers') response.setHeader('trailer', 'x-sum');
      if (request.url === '/raw') response.removeHeader('transfer-encoding');
      response.writeHead(200, 'Fine', { 'x-a': ['1', '2'] });
      response.write('one');
      response.addTrailers({ 'x-sum': '1' });
      response.end();
      response.end();
      response.on('error', () => {});
      response.write('late');
    });
    for (const path of ['/trailers', '/raw']) {
      const { status, text, headers } = await inject(listener, path).collect();
      expect([status, text, headers['x-a'], headers['trailer']]).to.deep.equal([200, 'one', '1, 2', undefined]);
    }
  });

  it('says to the application what its client said, through both of our bridges', async () => {
    const ours = toNodeListener(map(({ scheme, remoteAddr, headers, method }) => `${scheme} ${remoteAddr} ${headers['x-a']} ${method}`));
    const { text } = await inject(fromNodeListener(ours), { headers: { 'x-a': 'b' } }).collect();
    expect(text).to.equal('http 192.0.2.1 b GET');
    const ports = fromNodeListener(({ socket }, response) =>
      response.end(`${socket.remotePort} ${socket.localAddress} ${socket.localPort}`),
    );
    expect((await inject(ports, '/').collect()).text).to.equal('50000 198.51.100.1 80');
  });

  it('sends bodies on in constant memory', async () => {
    let echoed = 0;
    const listener = fromNodeListener((request, response) => void request.pipe(response));
    await withServer(listener, { maxBody: Infinity }, async (site) => {
      const client = await site.connect();
      const piece = Buffer.alloc(65_536, 'x');
      client.pause();
      client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 65536000\r\n\r\n');
      for (let i = 0; i < 1_000; i++) client.send(piece);
      await untilAtRest('what is sent', () => 65_536_000 - client.unsent);
      expect(client.unsent).to.be.above(30_000_000); // neither we nor the application have taken it
      client.resume();
      echoed = (await client.response('POST')).body.length;
    });
    expect(echoed).to.equal(65_536_000);
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
