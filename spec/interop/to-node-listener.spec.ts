import { asText, type Handler, HttpError, notFound, OptionError, type ServerEvent, websocket } from '#src/index.js';
import { type InteropOptions, type NodeListener, toNodeListener } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { expect } from 'chai';
import express from 'express';
import fastify from 'fastify';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type Server } from 'node:http';
import { connect, constants, createSecureServer, createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer, text as textFrom } from 'node:stream/consumers';
import { concat, defer, EMPTY, finalize, map, mergeMap, NEVER, of, throwError } from 'rxjs';
import { WebSocket } from 'ws';
import { until, untilAtRest } from '../support/raw-client.js';
import { testCertificate } from '../support/test-certificate.js';

interface Mounted {
  readonly port: number;
  close(): Promise<void>;
}

const listening = async (server: Server): Promise<Mounted> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // TCP
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

/** Every make of server that speaks HTTP/1.1; each mounts the listener as its own guide says. */
const MAKES: Readonly<Record<string, (listener: NodeListener) => Promise<Mounted>>> = {
  'node:http': (listener) => listening(createServer(listener).on('upgrade', listener.upgrade)),
  'node:https': (listener) => listening(createHttpsServer(testCertificate, listener).on('upgrade', listener.upgrade)),
  express: (listener) => {
    const app = express().disable('x-powered-by').use(listener);
    return listening(createServer(app).on('upgrade', listener.upgrade));
  },
  fastify: async (listener) => {
    const app = fastify();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null)); // the handler reads the body
    app.all('/*', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    app.server.on('upgrade', listener.upgrade);
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }; // TCP
  },
};

for (const [make, mount] of Object.entries(MAKES)) {
  describe(`toNodeListener in ${make}`, () => {
    const isTls = make === 'node:https';
    let mounted: Mounted;
    let events: ServerEvent[];
    let log: string[];
    let pulled: number;
    let waits: number;

    const text = asText();
    const app = routes(
      get(
        '/hello/:name',
        map(({ params, query, scheme, protocol, remoteAddr, headers }) =>
          JSON.stringify([params.name, query['q'], scheme, protocol, remoteAddr, headers['x-twice']]),
        ),
      ),
      post('/echo', text),
      get(
        '/cookies',
        map(() => ({ status: 201, headers: { 'set-cookie': ['a=1', 'b=2'], connection: 'keep-alive', 'x-a': 'b' }, body: 'x' })),
      ),
      get(
        '/stream',
        mergeMap(() => of('one ', 'two ', 'three')),
      ),
      get(
        '/nothing',
        map(() => ({ status: 204 })),
      ),
      get(
        '/declined',
        mergeMap(() => EMPTY),
      ),
      get(
        '/teapot',
        mergeMap(() => throwError(() => new HttpError(418, 'short', { headers: { 'x-spout': 'yes' } }))),
      ),
      get(
        '/broken',
        mergeMap(() => throwError(() => new Error('secret'))),
      ),
      get(
        '/late',
        mergeMap(() =>
          concat(
            of('some'),
            defer(() => new Promise((resolve) => setImmediate(resolve))).pipe(mergeMap(() => throwError(() => new Error('late')))),
          ),
        ),
      ),
      get(
        '/short',
        map(() => ({
          headers: { 'content-length': 10 },
          body: concat(of('four'), defer(() => new Promise((resolve) => setImmediate(resolve))).pipe(mergeMap(() => EMPTY))),
        })),
      ),
      get(
        '/endless',
        mergeMap(() => concat(of('begun'), NEVER).pipe(finalize(() => log.push('let go')))),
      ),
      get(
        '/silent',
        mergeMap(() => {
          waits++;
          return NEVER.pipe(finalize(() => log.push('let go')));
        }),
      ),
      get(
        '/pulled',
        map(() => ({ body: numbers() })),
      ),
      get('/socket', websocket(map((message) => `${String(message)}!`))),
    );
    const piece = Buffer.alloc(65_536, 'x');
    function* numbers(): Generator<Buffer> {
      try {
        for (; pulled < 1_000; pulled++) yield piece;
      } finally {
        log.push('returned');
      }
    }

    const options: InteropOptions = { maxBody: 100_000, onEvent: (event) => events.push(event) };
    before(async () => {
      mounted = await mount(toNodeListener(app, options));
    });
    after(() => mounted.close());
    beforeEach(() => {
      events = [];
      log = [];
      pulled = 0;
      waits = 0;
    });

    const open = async (
      path: string,
      { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
    ): Promise<IncomingMessage> => {
      const ask = isTls ? httpsRequest : httpRequest;
      const sent = ask({ port: mounted.port, host: '127.0.0.1', path, method, headers, agent: false, rejectUnauthorized: false } as object);
      sent.on('error', () => {});
      sent.end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage]; // as Node.js documents it
      return response;
    };
    const fetched = async (
      path: string,
      init?: Parameters<typeof open>[1],
    ): Promise<[number | undefined, string, IncomingMessage['headers']]> => {
      const response = await open(path, init);
      return [response.statusCode, await textFrom(response), response.headers];
    };

    it('gives the handler its request', async () => {
      const [status, body] = await fetched('/hello/a%20b?q=1', { headers: { 'x-twice': ['1', '2'] } });
      expect([status, JSON.parse(body)]).to.deep.equal([200, ['a b', '1', isTls ? 'https' : 'http', 'HTTP/1.1', '127.0.0.1', '1, 2']]);
    });

    it('reads bodies, of a length and chunked, and refuses those that are too large', async () => {
      expect((await fetched('/echo', { method: 'POST', body: 'text' }))[1]).to.equal('text');
      expect((await fetched('/echo', { method: 'POST', body: '' }))[1]).to.equal('');
      expect(
        (await fetched('/echo', { method: 'POST', body: 'x'.repeat(100_000), headers: { 'transfer-encoding': 'chunked' } }))[1],
      ).to.have.lengthOf(100_000);
      expect((await fetched('/echo', { method: 'POST', body: 'x'.repeat(100_001) }))[0]).to.equal(413);
      expect(
        (await fetched('/echo', { method: 'POST', body: 'x'.repeat(100_001), headers: { 'transfer-encoding': 'chunked' } }))[0],
      ).to.equal(413);
    });

    it('sends whole replies with their length, cookies each in a line, and no field of the connection', async () => {
      const [status, body, headers] = await fetched('/cookies');
      expect([status, body, headers['set-cookie'], headers['x-a'], headers['content-length'], headers['content-type']]).to.deep.equal([
        201,
        'x',
        ['a=1', 'b=2'],
        'b',
        '1',
        'text/plain; charset=utf-8',
      ]);
      expect((await fetched('/nothing'))[0]).to.equal(204);
    });

    it('streams what comes in pieces', async () => {
      const [, body, headers] = await fetched('/stream');
      expect([body, headers['transfer-encoding'], headers['content-length']]).to.deep.equal(['one two three', 'chunked', undefined]);
    });

    it('answers HEAD without a body', async () => {
      const [status, body, headers] = await fetched('/hello/x', { method: 'HEAD' });
      expect([status, body, Number(headers['content-length']) > 10]).to.deep.equal([200, '', true]);
      expect((await fetched('/endless', { method: 'HEAD' }))[0]).to.equal(200);
      expect(log).to.deep.equal(['let go']);
    });

    it('answers errors as our own server does', async () => {
      const [status, body, headers] = await fetched('/teapot');
      expect([status, body, headers['x-spout']]).to.deep.equal([418, 'short', 'yes']);
      expect((await fetched('/broken')).slice(0, 2)).to.deep.equal([500, 'internal server error']);
      expect((await fetched('/hello/%zz'))[0]).to.be.equal(400);
      expect((await fetched('/cookies', { method: 'DELETE' }))[0]).to.equal(make === 'express' ? 404 : 405); // express asks whoever is next
      expect((await fetched('/declined'))[0]).to.equal(404);
      expect(events.map(({ type, error }) => [type, error.message])).to.deep.equal([
        ['failure', 'handler failed: secret'],
        ...(make === 'fastify' ? [] : [['client', 'malformed percent-encoding, or a dot segment, in the path']]), // its own router refuses it
      ]);
    });

    it('cuts a reply that fails behind its head, or is shorter than announced', async () => {
      for (const path of ['/late', '/short']) {
        const response = await open(path);
        let failed: unknown;
        await buffer(response).catch((error: unknown) => (failed = error));
        expect(failed, path).to.be.instanceOf(Error);
      }
      expect(events.map(({ error }) => error.message)).to.deep.equal([
        'handler failed: late',
        'reply body ends 6 octets before its content-length',
      ]);
    });

    it('unsubscribes when the client has gone, before a reply and within it', async () => {
      const response = await open('/endless');
      await once(response, 'data');
      response.destroy();
      await until('let go', () => log.length === 1);
      const ask = isTls ? httpsRequest : httpRequest;
      const waiting = ask({ port: mounted.port, host: '127.0.0.1', path: '/silent', agent: false, rejectUnauthorized: false } as object);
      waiting.on('error', () => {}).end();
      await until('the request has come', () => waits === 1);
      waiting.destroy();
      await until('let go', () => log.length === 2);
      expect(events).to.deep.equal([]);
    });

    it('pulls no more than the client takes', async () => {
      const response = await open('/pulled');
      await untilAtRest('the pulls', () => pulled);
      expect(pulled).to.be.within(1, 300);
      expect((await buffer(response)).length).to.equal(1_000 * piece.length);
      expect(log).to.deep.equal(['returned']);
    });

    it('makes WebSockets of upgrades, and refuses what is none', async () => {
      const url = `${isTls ? 'wss' : 'ws'}://127.0.0.1:${mounted.port}`;
      const socket = new WebSocket(`${url}/socket`, { rejectUnauthorized: false });
      socket.on('open', () => socket.send('hello'));
      const [message] = (await once(socket, 'message')) as [Buffer]; // as ws documents it
      expect(String(message)).to.equal('hello!');
      socket.close(1000);
      await once(socket, 'close');
      const refused = new WebSocket(`${url}/none`, { rejectUnauthorized: false }).on('error', () => {});
      const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage]; // as ws documents it
      expect(response.statusCode).to.equal(404);
      refused.terminate();
    });
  });
}

describe('toNodeListener in express', () => {
  it('passes on what the handler does not answer, and keeps what middleware has set', async () => {
    const app = express()
      .use((_request, response, next) => {
        response.setHeader('x-before', 'set');
        next();
      })
      .use(
        '/api',
        toNodeListener(
          routes(
            get(
              '/mine',
              map(({ uri }) => uri),
            ),
          ),
        ),
      )
      .get('/api/theirs', (_request, response) => void response.send('express'));
    const { port, close } = await listening(createServer(app));
    const mine = await fetch(`http://127.0.0.1:${port}/api/mine`);
    expect([await mine.text(), mine.headers.get('x-before')]).to.deep.equal(['/mine', 'set']);
    expect(await (await fetch(`http://127.0.0.1:${port}/api/theirs`)).text()).to.equal('express');
    await close();
  });

  it('says so where a parser has taken the body', async () => {
    const events: ServerEvent[] = [];
    const listener = toNodeListener(routes(post('/', asText())), { onEvent: (event) => events.push(event) });
    const { port, close } = await listening(createServer(express().use(express.json(), listener)));
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).to.equal(500);
    expect(events.map(({ error }) => Reflect.get(error, 'code'))).to.deep.equal(['RHK_BODY_USED']);
    await close();
  });
});

describe('toNodeListener in node:http2', () => {
  it('answers streams, and breaks off one without the others', async () => {
    const events: ServerEvent[] = [];
    const handler: Handler = routes(
      get(
        '/',
        map(({ headers, protocol, serverName }) => ({
          headers: { connection: 'close', 'set-cookie': ['a=1', 'b=2'] },
          body: `${protocol} ${serverName} ${String(headers[':path'])}`,
        })),
      ),
      post('/echo', asText()),
      get(
        '/late',
        mergeMap(() =>
          concat(
            of('some'),
            defer(() => new Promise((resolve) => setImmediate(resolve))).pipe(mergeMap(() => throwError(() => new Error('late')))),
          ),
        ),
      ),
      get(
        '/upgrade',
        map(() => ({ status: 426, headers: { upgrade: 'websocket' } })),
      ),
    );
    const server = createHttp2Server(toNodeListener(handler, { onEvent: (event) => events.push(event) })).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP
    const ask = async (path: string, method = 'GET', body?: string) => {
      const stream = client.request({ ':path': path, ':method': method });
      stream.end(body);
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]; // as Node.js documents it
      return { headers, text: await textFrom(stream) };
    };
    const { headers, text } = await ask('/');
    expect([headers[':status'], headers['set-cookie'], text]).to.deep.equal([200, ['a=1', 'b=2'], 'HTTP/2.0 127.0.0.1 undefined']);
    expect((await ask('/echo', 'POST', 'text')).text).to.equal('text');
    expect((await ask('/upgrade')).headers[':status']).to.equal(426);
    let failed: unknown;
    await ask('/late').catch((error: unknown) => (failed = error));
    expect(failed).to.be.instanceOf(Error);
    expect((await ask('/echo', 'POST', 'more')).text).to.equal('more');
    expect(events.map(({ error }) => error.message)).to.deep.equal(['handler failed: late']);
    client.close();
    server.close();
    await once(server, 'close');
  });
});

describe('toNodeListener in node:http2, secure', () => {
  it('makes WebSockets of clients that come by HTTP/1.1, and tells both that they are secure', async () => {
    const listener = toNodeListener(
      routes(
        get('/socket', websocket(map((message) => `${String(message)}!`))),
        get(
          '/',
          map(({ scheme, protocol }) => `${scheme} ${protocol}`),
        ),
      ),
    );
    const server = createSecureServer({ ...testCertificate, allowHTTP1: true }, listener)
      .on('upgrade', listener.upgrade)
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // TCP
    const socket = new WebSocket(`wss://127.0.0.1:${port}/socket`, { rejectUnauthorized: false });
    socket.on('open', () => socket.send('hello'));
    expect(String((await once(socket, 'message'))[0])).to.equal('hello!');
    socket.close();
    await once(socket, 'close');
    const client = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    expect(await textFrom(client.request({ ':path': '/' }))).to.equal('https HTTP/2.0');
    client.close();
    server.close();
    await once(server, 'close');
  });

  it('unsubscribes when a client gives its stream up, and takes no more than it wants', async () => {
    let letGo = 0;
    let pulled = 0;
    let waits = 0;
    const piece = Buffer.alloc(16_384);
    function* numbers(): Generator<Buffer> {
      try {
        for (; ; pulled++) yield piece;
      } finally {
        letGo++;
      }
    }
    const listener = toNodeListener(
      routes(
        get(
          '/silent',
          mergeMap(() => {
            waits++;
            return NEVER.pipe(finalize(() => letGo++));
          }),
        ),
        get(
          '/endless',
          map(() => ({ body: numbers() })),
        ),
      ),
    );
    const server = createHttp2Server(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP
    const endless = client.request({ ':path': '/endless' });
    await once(endless, 'response');
    await untilAtRest('the pulls', () => pulled);
    expect(pulled).to.be.below(50);
    endless.close(); // without an error: Node.js says nothing but `aborted` then
    await until('let go', () => letGo === 1);
    const silent = client.request({ ':path': '/silent' });
    await until('the request has come', () => waits === 1);
    silent.close(constants.NGHTTP2_CANCEL);
    await until('let go', () => letGo === 2);
    client.destroy(); // the stream that was given up without an error is still one to Node.js
    server.close();
    await once(server, 'close');
  });
});

describe('NodeListener', () => {
  it('takes the head of an upgrade as the other server took it', async () => {
    const listener = toNodeListener(websocket((messages$) => messages$));
    const { port, close } = await listening(createServer(listener).on('upgrade', listener.upgrade));
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { cookie: `session=${'x'.repeat(10_000)}` } });
    await once(socket, 'open');
    socket.terminate();
    await close();
  });

  it('closes its WebSockets with 1001 when it is stopped', async () => {
    const listener = toNodeListener(websocket((messages$) => messages$));
    const { port, close } = await listening(createServer(listener).on('upgrade', listener.upgrade));
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await listener.stop({ timeout: 1_000 });
    expect((await closed)[0]).to.equal(1001);
    await close();
  });

  it('refuses upgrades that come when it has been stopped', async () => {
    const listener = toNodeListener(websocket((messages$) => messages$));
    const { port, close } = await listening(createServer(listener).on('upgrade', listener.upgrade));
    await listener.stop(); // before there was anything to stop
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const [error] = (await once(socket, 'error')) as [Error]; // as ws documents it
    expect(error.message).to.include('503');
    await close();
  });

  it('refuses what is no handler, and options that are none', () => {
    expect(() => toNodeListener('x' as unknown as Handler)).to.throw(OptionError); // untyped callers
    expect(() =>
      toNodeListener(
        map(() => notFound()),
        { maxBody: -1 },
      ),
    ).to.throw(OptionError, 'maxBody');
  });
});
