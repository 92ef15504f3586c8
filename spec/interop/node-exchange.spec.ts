import { asText, type Handler, type ServerEvent } from '#src/index.js';
import { toNodeListener } from '#src/interop/index.js';
import { get, post, routes } from '#src/routing/index.js';
import { expect } from 'chai';
import express, { type RequestHandler } from 'express';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect, constants, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { constants as zlib, createGzip, gunzipSync } from 'node:zlib';
import { concat, finalize, firstValueFrom, map, merge, mergeMap, NEVER, of, Subject } from 'rxjs';
import { RawClient, turns, until, untilAtRest } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';

/** One server of Node.js's own, and a client that speaks in bytes. */
const withListener = async (listener: RequestListener, use: (client: RawClient, port: number) => Promise<void>): Promise<void> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // TCP
  const client = await RawClient.open({ port });
  try {
    await use(client, port);
  } finally {
    client.abort();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
};

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

describe('NodeExchange', () => {
  it('does not run the handler for a client that has gone before', async () => {
    let runs = 0;
    let asked = 0;
    const gone = new Subject<void>();
    const listener = toNodeListener(
      mergeMap(() => {
        runs++;
        return NEVER;
      }),
    );
    const slow: RequestListener = (request, response) => {
      asked++;
      response.on('close', () => {
        listener(request, response); // what awaited something else meanwhile
        gone.next();
      });
    };
    await withListener(slow, async (client) => {
      const called = new Promise<void>((resolve) => gone.subscribe(resolve));
      client.send(GET('/'));
      await until('the request has come', () => asked === 1);
      client.abort();
      await called;
      expect(runs).to.equal(0);
    });
  });

  it('does not run the handler for an HTTP/2 client that has gone before', async () => {
    let runs = 0;
    const listener = toNodeListener(map(() => String(++runs)));
    for (const gone of ['stream', 'session'] as const) {
      const called = new Subject<void>();
      const isOver = firstValueFrom(called);
      let asked = 0;
      const server = createHttp2Server((request, response) => {
        asked++;
        response.on('close', () => {
          setImmediate(() => {
            listener(request, response);
            called.next();
          });
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP
      const stream = client.request({ ':path': '/', ':method': 'POST' }).on('error', () => {});
      await until('the request has come', () => asked === 1);
      if (gone === 'stream') stream.close(constants.NGHTTP2_CANCEL);
      else client.destroy();
      await isOver;
      expect(runs, gone).to.equal(0);
      client.destroy();
      server.close();
    }
  });

  it('leaves a response alone that somebody before it has sent, and says so', async () => {
    const events: ServerEvent[] = [];
    const log: string[] = [];
    const handler: Handler = mergeMap(({ uri }) =>
      uri === '/waits' ? NEVER.pipe(finalize(() => log.push('let go'))) : of('whole').pipe(finalize(() => log.push('answered'))),
    );
    const listener = toNodeListener(handler, { onEvent: (event) => events.push(event) });
    const app: RequestListener = (request, response) => {
      if (request.url !== '/late') response.end('mine');
      listener(request, response);
      if (request.url === '/late') response.end('mine');
    };
    await withListener(app, async (client) => {
      client.send(GET('/'));
      expect(String((await client.response()).body)).to.equal('mine');
      client.send(GET('/waits'));
      expect(String((await client.response()).body)).to.equal('mine');
      await turns(3);
      expect(log).to.not.include('answered');
      expect(events.map(({ error }) => Reflect.get(error, 'code'))).to.deep.equal(['RHK_HANDLER_FAILED', 'RHK_HANDLER_FAILED']);
      expect(events[0].error.message).to.include('has been sent');
    });
  });

  it('lets go of a handler when somebody else answers for it, and survives its reply', async () => {
    const events: ServerEvent[] = [];
    const replies = new Subject<string>();
    let letGo = 0;
    const listener = toNodeListener(
      mergeMap(() => replies.pipe(finalize(() => letGo++))),
      { onEvent: (event) => events.push(event) },
    );
    let answered: ServerResponse | undefined;
    await withListener(
      (request, response) => {
        listener(request, response);
        answered = response;
      },
      async (client) => {
        client.send(GET('/'));
        await until('asked', () => answered !== undefined);
        answered?.writeHead(503).write('too late'); // as a middleware with a timeout does
        replies.next('the reply');
        await turns(3);
        answered?.end();
        const { status, body } = await client.response();
        expect([status, String(body)]).to.deep.equal([503, 'too late']);
        expect(letGo).to.equal(1);
        expect(events).to.have.lengthOf(1);
        expect(events[0].error.message).to.include('has been sent');
      },
    );
  });

  it('reads a body of a request that somebody has set an encoding on', async () => {
    const listener = toNodeListener(asText());
    const app: RequestListener = (request, response) => {
      request.setEncoding(request.url === '/latin1' ? 'latin1' : 'utf8');
      listener(request, response);
    };
    await withListener(app, async (client) => {
      for (const path of ['/utf8', '/latin1']) {
        client.send(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n`, Buffer.from('h€lo'));
        expect((await client.response()).body.toString(), path).to.equal('h€lo');
      }
    });
  });

  it('cuts what has no length so that a client of HTTP/1.0 can tell', async () => {
    const failing = new Subject<never>();
    const handler: Handler = mergeMap(() => merge(of('some'), failing));
    await withListener(toNodeListener(handler, { onEvent: () => {} }), async (client) => {
      client.send('GET / HTTP/1.0\r\n\r\n');
      await client.bodyBytes(4); // a reset behind unread bytes may look like an end
      failing.error(new Error('late'));
      expect((await client.cut()).ending).to.equal('reset');
    });
  });

  it('takes the first of several hosts, as Node.js does', async () => {
    const listener = toNodeListener(map(({ serverName, headers }) => `${serverName} ${headers['host']}`));
    await withListener(listener, async (client) => {
      client.send('GET / HTTP/1.1\r\nhost: a.test\r\nhost: b.test\r\n\r\n');
      const { status, body } = await client.response();
      if (status === 200) expect(String(body)).to.equal('a.test a.test');
      else expect(status).to.equal(400);
    });
  });

  it('passes on what has another method, so that an application moves one route at a time', async () => {
    const ours = routes(
      get(
        '/x',
        map(() => 'ours'),
      ),
    );
    const app = express()
      .use(toNodeListener(ours))
      .post('/x', (_request, response) => void response.send('theirs'));
    await withListener(app, async (client) => {
      client.send(GET('/x'));
      expect(String((await client.response()).body)).to.equal('ours');
      client.send('POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
      expect(String((await client.response()).body)).to.equal('theirs');
    });
    await withListener(toNodeListener(ours), async (client) => {
      client.send('POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
      expect((await client.response()).status).to.equal(405); // there is nobody to pass it on to
    });
  });

  it('flushes what a compressing middleware holds back', async () => {
    /** As `compression` does: `write` goes to gzip, which waits for more until it is told to `flush`. */
    const compressing: RequestHandler = (_request, response, next) => {
      const gzip = createGzip();
      const write = response.write.bind(response) as (bytes: Buffer) => boolean;
      const end = response.end.bind(response);
      gzip.on('data', (bytes: Buffer) => write(bytes)).on('end', () => end());
      response.setHeader('content-encoding', 'gzip');
      Object.assign(response, {
        write: (bytes: Buffer | string) => gzip.write(bytes),
        end: (bytes?: Buffer | string) => gzip.end(bytes),
        flush: () => gzip.flush(),
      });
      next();
    };
    const listener = toNodeListener(mergeMap(() => concat(of('event'), NEVER)));
    await withListener(express().use(compressing, listener), async (client) => {
      client.send(GET('/'));
      let come = await client.bodyBytes(1);
      const text = (): string => gunzipSync(come, { finishFlush: zlib.Z_SYNC_FLUSH }).toString();
      while (text() !== 'event') come = await client.bodyBytes(come.length + 1); // its header comes first
    });
  });

  it('takes of a body no more than its reader wants, and sends back all of it', async () => {
    const echo = toNodeListener(
      map(({ body$ }) => ({ body: body$ })),
      { maxBody: Infinity },
    );
    await withListener(echo, async (client) => {
      const piece = Buffer.alloc(65_536, 'x');
      client.pause();
      client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 65536000\r\n\r\n');
      for (let i = 0; i < 1_000; i++) client.send(piece);
      await untilAtRest('what is sent', () => 65_536_000 - client.unsent);
      expect(client.unsent).to.be.above(30_000_000);
      client.resume();
      expect((await client.response('POST')).body.length).to.equal(65_536_000);
    });
  });

  it('lives with middleware that patches the response, and is told as Node.js tells', async () => {
    const log: string[] = [];
    /** As `morgan` and `express-session` do: listen for the end, and hold it back until something is saved. */
    const around: RequestHandler = (_request, response, next) => {
      const end = response.end.bind(response) as (piece?: unknown) => typeof response;
      const writeHead = response.writeHead as (...given: unknown[]) => typeof response; // whatever its overloads
      response.writeHead = function (this: typeof response, ...given: unknown[]) {
        this.setHeader('set-cookie', 'session=1');
        return writeHead.apply(this, given);
      } as typeof response.writeHead;
      response.end = ((piece?: unknown) => {
        setImmediate(() => end(piece)); // saved
        return response;
      }) as typeof response.end;
      response.on('finish', () => log.push(`finish ${response.statusCode}`));
      response.on('close', () => log.push(`close ${response.writableFinished}`));
      next();
    };
    const listener = toNodeListener(
      routes(
        get(
          '/whole',
          map(() => ({ status: 201, body: Buffer.from('whole') })),
        ),
        get(
          '/stream',
          mergeMap(() => of('one', 'two')),
        ),
        get(
          '/nothing',
          map(() => ({ status: 204 })),
        ),
      ),
    );
    await withListener(express().disable('x-powered-by').use(around, listener), async (client) => {
      for (const [path, status, body] of [
        ['/whole', 201, 'whole'],
        ['/stream', 200, 'onetwo'],
        ['/nothing', 204, ''],
      ] as const) {
        client.send(GET(path));
        const reply = await client.response();
        expect([reply.status, String(reply.body), valueOf(reply, 'set-cookie')], path).to.deep.equal([status, body, 'session=1']);
      }
      await until('all is told', () => log.length === 6);
      expect(log).to.deep.equal(['finish 201', 'close true', 'finish 200', 'close true', 'finish 204', 'close true']);
    });
  });

  it('sends each request through as often as the connection brings it', async () => {
    const seen: string[] = [];
    const listener = toNodeListener(
      routes(
        post(
          '/unread',
          map(() => 'not read'),
        ),
        get(
          '/',
          map(() => 'ok'),
        ),
      ),
    );
    await withListener(
      (request, response) => {
        seen.push(request.url ?? '');
        listener(request, response);
      },
      async (client) => {
        client.send('POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n', 'x'.repeat(100_000), GET('/'));
        expect(String((await client.response('POST')).body)).to.equal('not read');
        expect(String((await client.response()).body)).to.equal('ok');
        expect(seen).to.deep.equal(['/unread', '/']);
      },
    );
  });
});
