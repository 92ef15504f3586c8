import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { catchError, concatWith, map, of, pipe, throwIfEmpty } from 'rxjs';
import { extend, file, type Handler, HttpError, inWorkers, OptionError, type HttpRequest, workerName } from 'rx-http-kit';
import { context, get as route, routes } from 'rx-http-kit/routing';
import { Crew } from '../support/crew.js';
import { close, ping, text } from '../support/frame-client.js';
import { News } from '../support/news.js';
import { until, untilAtRest } from '../support/raw-client.js';
import { valueOf, valuesOf } from '../support/response-reader.js';

const APP = new URL('./fixtures/app.js', import.meta.url);
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe('inWorkers', () => {
  let crew: Crew;
  let news: News;

  before(async () => {
    news = new News();
    crew = await Crew.start(APP, { thread: 1 }, { stallTimeoutMs: Infinity, maxBody: Infinity });
  });
  beforeEach(() => news.clear());
  afterEach(() => crew.idle());
  after(async () => {
    await crew.stop();
    news.close();
  });

  describe('replies', () => {
    it('are computed by a thread with a name', async () => {
      expect(workerName).to.equal(undefined);
      expect(await crew.ask('/name')).to.equal('200 worker-1');
    });

    it('are not computed by threads of a thread', async () => {
      expect(await crew.ask('/nested')).to.equal('200 OptionError: option module: is to run in threads, but worker-1 is a thread itself');
    });

    it('leave with status, headers and content-length', async () => {
      const client = await crew.site.connect();
      const whole = await client.send(get('/whole')).response();
      expect([whole.status, valuesOf(whole, 'x-a'), valueOf(whole, 'content-type')]).to.deep.equal([201, ['1', '2'], 'text/x']);
      expect([whole.framing, whole.body.toString()]).to.deep.equal(['length', 'whole']);
      const bytes = await client.send(get('/bytes')).response();
      expect([valueOf(bytes, 'content-type'), bytes.body.toString('hex')]).to.deep.equal(['application/octet-stream', '00ff80']);
      expect((await client.send(get('/nothing')).response()).status).to.equal(204);
    });

    it('may be streamed item by item, come later, or be a file', async () => {
      const client = await crew.site.connect();
      const items = await client.send(get('/items')).response();
      expect([items.status, items.framing, items.body.toString()]).to.deep.equal([202, 'chunked', 'abc']);
      expect(await crew.ask('/later')).to.equal('200 later');
      expect((await client.send(get('/file')).response()).body.toString()).to.equal(await readFile(fileURLToPath(APP), 'utf8'));
    });

    it('may be the same bytes again and again: the application keeps its memory', async () => {
      const client = await crew.site.connect();
      for (let time = 0; time < 3; time++) {
        const { body } = await client.send(get('/constant')).response();
        expect([body.length, body.every((byte) => byte === 7)]).to.deep.equal([300_000, true]);
      }
    });

    it('to HEAD let go of the handler, who needs to say no more', async () => {
      const client = await crew.site.connect();
      const head = await client.send('HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n').response('HEAD');
      expect(head.status).to.equal(200);
      await news.told('finalized');
      expect(news.heard).to.not.include('aborted');
    });
  });

  describe('requests', () => {
    it('are the same inside, with all their words', async () => {
      const client = await crew.site.connect();
      const fields = 'Host: example.org:81\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=b\r\ncookie: c=d\r\nContent-Type: text/x; charset="UTF-8"\r\n';
      const { body } = await client.send(`POST /request?a=%20b HTTP/1.0\r\n${fields}Content-Length: 2\r\n\r\nab`).response();
      const said = JSON.parse(body.toString()) as Record<string, unknown>; // an object, as the fixture makes it
      expect(said).to.deep.equal({
        method: 'POST',
        uri: '/request',
        queryString: 'a=%20b',
        headers: {
          host: 'example.org:81',
          'x-a': '1, 2',
          cookie: 'a=b; c=d',
          'content-type': 'text/x; charset="UTF-8"',
          'content-length': '2',
        },
        protocol: 'HTTP/1.0',
        scheme: 'http',
        serverName: 'example.org',
        serverPort: 81,
        remoteAddr: '127.0.0.1',
        contentType: 'text/x; charset="UTF-8"',
        contentLength: 2,
        characterEncoding: 'utf-8',
        isWebSocket: false,
        log: 'undefined',
      });
    });

    it('say the same when one write brings many', async () => {
      const client = await crew.site.connect();
      client.send([1, 2, 3].map((n) => `GET http://h${n}:8${n}/request?${n} HTTP/1.1\r\nHost: other\r\nX-N: ${n}\r\n\r\n`).join(''));
      for (const n of [1, 2, 3]) {
        const said = JSON.parse((await client.response()).body.toString()) as Record<string, unknown>; // as above
        expect(said).to.include({ queryString: String(n), serverName: `h${n}`, serverPort: 80 + n });
        expect(said.headers).to.deep.equal({ host: 'other', 'x-n': String(n) });
      }
    });

    it('bring their bodies, of any length', async () => {
      expect(await crew.ask('/text', { method: 'POST', body: 'héllo' })).to.equal('200 got héllo');
      expect(await crew.ask('/length', { method: 'POST', body: 'x'.repeat(3_000_000) })).to.equal('200 3000000');
      const body = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * i) % 251));
      const response = await fetch(`${crew.site.origin}/echo`, { method: 'POST', body, headers: { connection: 'close' } });
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).to.equal(true);
    });

    it('fail inside as outside when their body breaks off', async () => {
      const client = await crew.site.connect();
      client.send('POST /text HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
      expect((await client.response()).status).to.equal(400);
    });

    it('are answered before they are there', async () => {
      const client = await crew.site.connect();
      client.send('POST /name HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n');
      expect((await client.response()).body.toString()).to.equal('worker-1');
      expect((await client.send('hello', get('/whole')).response()).status).to.equal(201);
    });
  });

  describe('failures', () => {
    it('are a 500 for that exchange, and an event with the cause', async () => {
      const before = crew.site.events.length;
      const answer = await crew.ask('/throws');
      expect(answer).to.equal('500 internal server error');
      const [event] = crew.site.events.slice(before);
      expect(event.error).to.include({ code: 'RHK_HANDLER_FAILED' });
      const cause = event.error?.cause as Error;
      expect([cause.name, cause.message]).to.deep.equal(['TypeError', 'swordfish']);
      expect(cause.stack).to.include('fixtures/app');
    });

    it('keep their status and headers where the handler chose them', async () => {
      const before = crew.site.events.length;
      const client = await crew.site.connect();
      const response = await client.send(get('/teapot')).response();
      expect([response.status, valueOf(response, 'x-pot'), response.body.toString()]).to.deep.equal([418, 'tea', 'short and stout']);
      expect((await client.send(get('/bad-header')).response()).status).to.equal(500);
      expect(crew.site.codes.slice(before)).to.deep.equal(['RHK_BAD_HEADER']);
    });

    it('cost their thread nothing though they cannot be read', async () => {
      expect(await crew.ask('/unreadable')).to.equal('500 internal server error');
      expect(await crew.ask('/name')).to.equal('200 worker-1');
    });

    it('cut a reply that has begun', async () => {
      const before = crew.site.events.length;
      const client = await crew.site.connect();
      const { isComplete } = await client.send(get('/fails-late')).cut();
      expect(isComplete).to.equal(false);
      expect(crew.site.codes.slice(before)).to.deep.equal(['RHK_BAD_REPLY']);
    });

    it('are told though their exchange is over', async () => {
      const client = await crew.site.connect();
      client.send(get('/late-report'));
      await client.bodyBytes(1_000);
      client.abort();
      await until('it is told', () => crew.failures.some(({ message }) => message === 'too late'));
    });

    it('leave a request that nobody has answered to the next handler', async () => {
      expect(await crew.ask('/empty')).to.equal('404 not found');
    });
  });

  describe('credit', () => {
    it('stops the generator of a slow client, not the memory', async () => {
      const client = await crew.site.connect();
      client.pause().send(get('/numbers'));
      const count = async (): Promise<number> => Number((await crew.ask('/count')).split(' ')[1]);
      // Kernel buffers, the socket's, the window: then nothing moves, however often one looks.
      let last = -1;
      let still = 0;
      await until(
        'the generator stands still',
        async () => {
          const now = await count();
          still = now === last && now > 0 ? still + 1 : 0;
          last = now;
          return still >= 20;
        },
        20_000,
      );
      expect(last * 1_000).to.be.below(20_000_000);
      client.resume();
      await client.bodyBytes(last * 1_000 + 1_000_000);
      expect(await count()).to.be.above(last);
      client.abort();
      await news.told('let go');
    }).timeout(30_000);

    it('cuts a reply that is pushed faster than its client takes it', async () => {
      const before = crew.site.events.length;
      const client = await crew.site.connect();
      client.pause().send(get('/flood'));
      await until('the reply is cut', () => crew.site.codes.slice(before).includes('RHK_SLOW_CLIENT'));
      client.resume();
      expect((await client.cut()).isComplete).to.equal(false);
    });

    it('takes 100 MB of which it never holds much, though the thread is slower than the client', async function () {
      this.timeout(60_000);
      const piece = Buffer.alloc(1_000_000, 97);
      let most = 0;
      const done = (): number => Number(news.heard.at(-1)?.split(' ')[1] ?? 0);
      const body = async function* (): AsyncGenerator<Buffer> {
        for (let i = 0; i < 100; i++) {
          most = Math.max(most, i * piece.length - done());
          yield piece;
        }
      };
      const init = { method: 'POST', body: ReadableStream.from(body()), duplex: 'half' } as RequestInit; // `duplex` is in no type yet
      expect(await crew.ask('/slowly', init)).to.equal('200 100000000');
      expect(done(), 'octets that the thread was done with').to.equal(100_000_000);
      expect(most, 'given and not done with: with kernels, the client and the thread').to.be.below(40_000_000);
    });

    it('reads a body only as fast as the thread takes it', async () => {
      const client = await crew.site.connect();
      const size = 60_000_000;
      client.pause().send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
      const chunk = Buffer.alloc(1_000_000, 97);
      client.send(...Array.from({ length: size / chunk.length }, () => chunk));
      await untilAtRest('bytes from this client', () => size - client.unsent);
      expect(size - client.unsent).to.be.below(30_000_000);
      client.abort();
    });
  });

  describe('a client that leaves', () => {
    it('runs `finalize` in the thread, and aborts the signal of the request', async () => {
      const client = await crew.site.connect();
      client.send(get('/stream'));
      await client.bodyBytes(20);
      client.abort();
      await Promise.all([news.told('finalized'), news.told('aborted')]);
    });

    it('does so before the first item, too', async () => {
      const client = await crew.site.connect();
      client.send(get('/silent'));
      await news.told('silent');
      client.abort();
      await news.told('finalized');
      expect(news.heard).to.deep.equal(['silent', 'aborted', 'finalized']);
    });
  });

  describe('WebSockets', () => {
    it('echo 10,000 messages in order', async () => {
      const client = await crew.frames.open({ path: '/socket' });
      const sent = Array.from({ length: 10_000 }, (_, i) => `message ${i}`);
      client.send(...sent.map((message) => text(message)));
      expect(await client.words(sent.length)).to.deep.equal(sent.map((message) => `text ${message}`));
      client.send(close(1000));
      expect(await client.rest()).to.deep.equal(['close 1000']);
    });

    it('send and complete', async () => {
      const client = await crew.frames.open({ path: '/ends' });
      expect(await client.words(3)).to.deep.equal(['text one', 'text two', 'close 1000']);
    });

    it('let go of their source when the client has gone', async () => {
      const client = await crew.frames.open({ path: '/pushed' });
      expect(await client.word()).to.equal('text 0');
      client.abort();
      await news.told('finalized');
    });

    it('are channels, with pings and closes', async () => {
      const client = await crew.frames.open({ path: '/channel' });
      client.send(text('a'), ping('b'), close(4001, 'enough'));
      const said = await client.rest();
      expect(said.filter((word) => word !== 'pong b')).to.deep.equal([
        'text open true',
        'text heard a',
        'text pinged b',
        'close 4001 enough',
      ]);
      expect(said).to.include('pong b'); // at once, as it needs no thread
      await news.told('closed unknown 4001');
    });

    it('are refused as anywhere', async () => {
      expect(await crew.ask('/socket')).to.match(/^426 /);
      const client = await crew.frames.dial();
      client.abort();
    });

    it('stop a client that sends faster than it is read', async () => {
      const client = await crew.frames.open({ path: '/socket' });
      client.pause(); // takes no echo, so the handler's sends wait, and are closed with 1013 in the end
      const message = text('z'.repeat(100_000));
      for (let i = 0; i < 300; i++) client.send(message);
      await until('the socket is closed', () => crew.site.codes.includes('RHK_SLOW_CLIENT'));
      client.abort();
    });
  });

  describe('feeds', () => {
    it('cross the boundary, for every kind of client', async () => {
      const events = await crew.site.connect();
      events.send(get('/feed?transport=sse'));
      const said = (await events.bodyBytes(200)).toString();
      expect(said).to.match(/id: \S+:\d+\ndata: \{"n":\d+\}\n\n/);
      const socket = await crew.frames.open({ path: '/feed' });
      const [, first, second] = (await socket.words(3)).map((word) => JSON.parse(word.slice(5)) as { data: { n: number } }); // as feeds say it
      expect(second.data.n).to.equal(first.data.n + 1);
      const lines = await crew.site.connect();
      lines.send(get('/feed?transport=ndjson'));
      expect((await lines.bodyBytes(100)).toString()).to.match(/^\{"cursor":/);
      for (const client of [events, lines, socket]) client.abort();
    });
  });

  describe('channels on HTTP', () => {
    it('stream, and end', async () => {
      const client = await crew.site.connect();
      const reply = await client.send(get('/channel?close')).response();
      expect(reply.body.toString()).to.equal('open falselast');
    });

    it('hear at once of a client that closes its half', async () => {
      const client = await crew.site.connect();
      client.send(get('/channel'));
      await client.bodyBytes(10);
      client.finish();
      await news.told('closed client-close');
    });
  });
});

describe('inWorkers among other handlers', () => {
  /** Middleware on the main thread: adds fields, answers errors, and what nobody has answered. */
  const around =
    (handler: Handler): Handler =>
    (requests$) =>
      requests$.pipe(
        map((request) =>
          extend(request, { params: { id: 7 }, user: new Map([['name', 'ada']]), log: () => {}, uri: request.uri.slice(2) }),
        ),
        handler,
        throwIfEmpty(() => new HttpError(410, 'gone')),
        catchError((error: unknown) => of(`caught ${String(error)}`)),
        concatWith(of(' and more')),
      );
  let crew: Crew;

  before(async () => {
    crew = await Crew.start(APP, { thread: 1, workerNamePrefix: 'cpu-' }, {}, around);
  });
  afterEach(() => crew.idle());
  after(() => crew.stop());

  it('sees what middleware added, as far as it can be cloned', async () => {
    const said = JSON.parse((await crew.ask('/a/request')).slice(4, -' and more'.length)) as Record<string, unknown>;
    expect(said).to.include({ uri: '/request', log: 'undefined' });
    expect(said.params).to.deep.equal({ id: 7 });
  });

  it('gives its replies, its failures and its silence to the handlers around it', async () => {
    expect(await crew.ask('/a/name')).to.equal('200 cpu-1 and more');
    expect(await crew.ask('/a/teapot')).to.equal('200 caught HttpError: short and stout and more');
    expect(await crew.ask('/a/empty')).to.equal('200 caught HttpError: gone and more');
    expect(await crew.ask('/a/items')).to.equal('202 abc and more');
  });
});

describe('inWorkers behind routes', () => {
  const around =
    (fields: object): ((handler: Handler) => Handler) =>
    (handler) =>
      pipe(
        map((request: HttpRequest) => (Object.keys(fields).length === 0 ? request : extend(request, fields))),
        routes(context('/users/:id', handler), route('/name', handler)),
      );

  for (const [name, fields] of Object.entries({ 'as it came': {}, 'that middleware has extended': { user: 'ada' } })) {
    it(`gets params, query and what is left of the path, of a request ${name}`, async () => {
      const crew = await Crew.start(APP, { thread: 1 }, {}, around(fields));
      try {
        expect(await crew.ask('/name')).to.equal('200 worker-1');
        expect(await crew.ask('/users/7/only?a=1')).to.equal('200 {"id":"7"}');
        const inside = [{ id: '7', note: '8' }, { a: ['1', '2'] }, '/notes/8', '/users/7/notes/8'];
        expect(await crew.ask('/users/7/notes/8?a=1&a=2')).to.equal(`200 ${JSON.stringify(inside)}`);
        expect(await crew.ask('/users/7/notes/8', { method: 'PUT' })).to.equal('405 method not allowed');
        expect(await crew.ask('/users/7/only?a=%')).to.equal('200 {"id":"7"}');
      } finally {
        await crew.stop();
      }
    });
  }
});

describe('inWorkers', () => {
  it('leaves `parentPort` to the module: what is said there is not for this library', async () => {
    const crew = await Crew.start(APP, { thread: 1 });
    expect(await crew.ask('/talks')).to.equal('200 talked');
    expect(await crew.ask('/name')).to.equal('200 worker-1');
    expect(crew.failures).to.deep.equal([]);
    await crew.stop();
  });

  it('knows its options', () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ thread: 0 }, 'thread'],
      [{ workerNamePrefix: '' }, 'workerNamePrefix'],
      [{ queueSize: -1 }, 'queueSize'],
      [{ requestsPerThread: 0 }, 'requestsPerThread'],
      [{ computeTimeoutMs: 0 }, 'computeTimeoutMs'],
      [{ computeTimeoutMs: 2 ** 31 }, 'computeTimeoutMs'],
      [{ startTimeoutMs: 0 }, 'startTimeoutMs'],
      [{ startTimeoutMs: 2 ** 31 }, 'startTimeoutMs'],
      [{ maxBufferedBytes: -1 }, 'maxBufferedBytes'],
      [{ resourceLimits: { heap: 5 } }, 'resourceLimits'],
      [{ threads: 5 }, 'threads'],
    ];
    for (const [options, name] of wrong) {
      expect(() => inWorkers(APP, options as object), name)
        .to.throw(OptionError)
        .with.property('option', name);
    }
    for (const module of ['./app.js', 'data:text/javascript,', 5, file('x')]) {
      expect(() => inWorkers(module as string), String(module))
        .to.throw(OptionError)
        .with.property('option', 'module');
    }
  });

  it('tells by `started` that a module cannot serve, and answers 500 from then on', async () => {
    const workers = inWorkers(new URL('./fixtures/no-such-module.js', import.meta.url), { thread: 1 });
    const error = await workers.started.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error).to.include({ code: 'RHK_MODULE_FAILED' });
    expect(error?.cause).to.include({ code: 'ERR_MODULE_NOT_FOUND' });
    const request: unknown = await new Promise((resolve) => {
      of({} as HttpRequest)
        .pipe(workers)
        .subscribe({ error: resolve });
    });
    expect(request).to.include({ code: 'RHK_HANDLER_FAILED' });
    await workers.stop();
  });
});
