/** The clients that people use: `ws`, Node's own WebSocket, RxJS's `webSocket()`, and nginx in between. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { finalize, interval, map, mergeMap, of, Subject, take, throwError, toArray } from 'rxjs';
import { webSocket, type WebSocketSubject } from 'rxjs/webSocket';
import { type Handler, json, type Message, multiplex, websocket } from 'rx-http-kit';
import * as ws from 'ws';
import { close, FrameClient, handshake, inflated, ping, text } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { RawClient, until } from '../../support/raw-client.js';
import { Site } from '../../support/serve.js';

const NGINX = '/usr/sbin/nginx';
const LARGE = 'x'.repeat(300_000);
const topic$ = new Subject<number>();

const echo = websocket(
  map((message: Message) => message),
  { protocols: ['chat'], perMessageDeflate: true },
);
const values = websocket(
  map((value: { n: number }) => ({ n: value.n + 1 })),
  { codec: json },
);
let topics = { opened: 0, closed: 0 };
const topical = websocket(
  multiplex({
    ticks: () => {
      topics.opened++;
      return topic$.pipe(finalize(() => topics.closed++));
    },
    three: ({ from }) => of(1, 2, 3).pipe(map((n) => n + Number(from))),
    later: () => interval(2).pipe(take(3)),
    broken: () => throwError(() => new Error('secret')),
    unmade: () => {
      throw new Error('secret');
    },
  }),
  { codec: json },
);

const app: Handler = (requests$) =>
  requests$.pipe(mergeMap((request) => of(request).pipe(request.uri === '/values' ? values : request.uri === '/topics' ? topical : echo)));

/** What any client class that follows the browsers' offers. */
interface BrowserSocket {
  binaryType: string;
  readonly protocol: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
  send(data: unknown): void;
  close(code?: number, reason?: string): void;
}

type SocketClass = new (url: string, protocols?: string[]) => BrowserSocket;

const talk = async (Client: SocketClass, url: string): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const log: string[] = [];
    const socket = new Client(url, ['chat']);
    socket.binaryType = 'arraybuffer';
    const say: readonly unknown[] = ['hello', 'ä€𐀀', new Uint8Array([1, 2, 255]), '', LARGE];
    socket.onopen = () => say.forEach((message) => socket.send(message));
    socket.onmessage = ({ data }) => {
      log.push(typeof data === 'string' ? (data.length > 100 ? `${data.length}` : data) : Buffer.from(data as ArrayBuffer).toString('hex'));
      if (log.length === say.length) socket.close(4000, 'done');
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve([socket.protocol, ...log, `${code} ${reason} ${wasClean}`]);
  });

const SAID = ['chat', 'hello', 'ä€𐀀', '0102ff', '', '300000', '4000 done true'];

describe('WebSocket clients', () => {
  let frames: FrameSite;
  const url = (path: string): string => `ws://127.0.0.1:${frames.site.port}${path}`;

  before(async () => {
    frames = await FrameSite.start(app);
  });

  after(async () => {
    frames.expectNoFailures();
    await frames.stop();
  });

  beforeEach(() => (topics = { opened: 0, closed: 0 }));

  it('ws', async () => {
    expect(await talk(ws.WebSocket as unknown as SocketClass, url('/'))).to.deep.equal(SAID);
  });

  it('ws without compression, with pings of its own', async () => {
    const client = new ws.WebSocket(url('/'), { perMessageDeflate: false });
    await new Promise((resolve) => client.once('open', resolve));
    const pong = new Promise<Buffer>((resolve) => client.once('pong', resolve));
    client.ping('are you there');
    expect((await pong).toString()).to.equal('are you there');
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.close();
    expect(await closed).to.equal(1005);
  });

  it('ws is told why it was refused', async () => {
    const client = new ws.WebSocket(url('/'), { protocolVersion: 8 });
    const status = await new Promise((resolve) => client.once('unexpected-response', (_, response) => resolve(response.statusCode)));
    expect(status).to.equal(426);
    client.on('error', () => {});
    client.terminate();
  });

  const Native = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  // Node has one of its own from 22 on; there is nothing to test where it has none
  (Native === undefined ? it.skip : it)(
    `the WebSocket of Node ${process.version}${Native === undefined ? ': it has none' : ''}`,
    async () => {
      expect(await talk(Native as SocketClass, url('/'))).to.deep.equal(SAID);
    },
  );

  const rx = <T>(path: string, events: Partial<Record<'open' | 'close', (event: never) => void>> = {}): WebSocketSubject<T> =>
    webSocket<T>({
      url: url(path),
      WebSocketCtor: ws.WebSocket as never, // what a browser has by itself
      openObserver: { next: (event) => events.open?.(event as never) },
      closeObserver: { next: (event) => events.close?.(event as never) },
    });

  it('RxJS webSocket() with codec json', async () => {
    const socket$ = rx<{ n: number }>('/values');
    const answers = new Promise<readonly { n: number }[]>((resolve, reject) =>
      socket$.pipe(take(3), toArray()).subscribe({ next: resolve, error: reject }),
    );
    for (const n of [1, 41, 99]) socket$.next({ n });
    expect(await answers).to.deep.equal([{ n: 2 }, { n: 42 }, { n: 100 }]);
  });

  it('RxJS webSocket() completes when it has closed cleanly', async () => {
    const ended = new Promise<string>((resolve) => {
      const socket$ = rx<{ n: number }>('/values', { open: () => socket$.complete() });
      socket$.subscribe({ complete: () => resolve('complete'), error: () => resolve('error') });
    });
    expect(await ended).to.equal('complete');
  });

  describe('multiplex', () => {
    interface Heard {
      readonly type: string;
      readonly data?: number;
      readonly complete?: boolean;
      readonly error?: string;
    }
    const topicOf = (socket$: WebSocketSubject<unknown>, name: string, more: object = {}) =>
      socket$.multiplex(
        () => ({ subscribe: name, ...more }),
        () => ({ unsubscribe: name }),
        (message) => (message as Heard).type === name,
      );

    it('opens a topic once, and lets it go on unsubscribe', async () => {
      const socket$ = rx<unknown>('/topics');
      const got: unknown[] = [];
      const keep = socket$.subscribe(); // keeps the socket open behind the topic
      const subscription = topicOf(socket$, 'ticks').subscribe((message) => got.push((message as Heard).data));
      await until('the topic is open', () => topic$.observed);
      topic$.next(1);
      topic$.next(2);
      await until('both came', () => got.length === 2);
      subscription.unsubscribe();
      await until('the topic was let go', () => !topic$.observed);
      expect(topics).to.deep.equal({ opened: 1, closed: 1 });
      keep.unsubscribe();
    });

    it('lets topics go when the client goes, and serves several clients', async () => {
      const clients = [rx<unknown>('/topics'), rx<unknown>('/topics'), rx<unknown>('/topics')];
      const counts = [0, 0, 0];
      const subscriptions = clients.map((socket$, index) => topicOf(socket$, 'ticks').subscribe(() => counts[index]++));
      await until('three are open', () => topics.opened === 3);
      topic$.next(7);
      await until('each has heard', () => counts.join() === '1,1,1');
      for (const subscription of subscriptions) subscription.unsubscribe();
      await until('all were let go', () => topics.closed === 3);
      expect(topic$.observed).to.equal(false);
    });

    it('lets topics go when the client is cut off', async () => {
      const client = (await frames.open({ path: '/topics' })).send(text('{"subscribe":"ticks"}'));
      await until('it is open', () => topics.opened === 1);
      client.abort();
      await until('it was let go', () => topics.closed === 1);
    });

    for (const [name, send, want] of [
      [
        'hands the parameters on',
        ['{"subscribe":"three","from":10}'],
        ['{"type":"three","data":11}', '{"type":"three","data":12}', '{"type":"three","data":13}', '{"type":"three","complete":true}'],
      ],
      [
        'opens a topic again that has ended',
        ['{"subscribe":"three","from":0}', '{"subscribe":"three","from":5}'],
        [
          '{"type":"three","data":1}',
          '{"type":"three","data":2}',
          '{"type":"three","data":3}',
          '{"type":"three","complete":true}',
          '{"type":"three","data":6}',
          '{"type":"three","data":7}',
          '{"type":"three","data":8}',
          '{"type":"three","complete":true}',
        ],
      ],
      [
        'a second subscribe changes nothing',
        ['{"subscribe":"later"}', '{"subscribe":"later"}'],
        ['{"type":"later","data":0}', '{"type":"later","data":1}', '{"type":"later","data":2}', '{"type":"later","complete":true}'],
      ],
      ['says that a topic failed, and not why', ['{"subscribe":"broken"}'], ['{"type":"broken","error":"topic failed"}']],
      ['says that a topic could not be made', ['{"subscribe":"unmade"}'], ['{"type":"unmade","error":"topic failed"}']],
      ['does not know a topic', ['{"subscribe":"none"}'], ['{"type":"none","error":"unknown topic"}']],
      [
        'does not take what objects inherit for topics',
        ['{"subscribe":"constructor"}', '{"subscribe":"__proto__"}'],
        ['{"type":"constructor","error":"unknown topic"}', '{"type":"__proto__","error":"unknown topic"}'],
      ],
      [
        'does not know other messages',
        ['[]', '5', 'null', '{}', '{"subscribe":5}'],
        Array.from({ length: 5 }, () => '{"type":"","error":"not a request"}'),
      ],
      [
        'unsubscribes from nothing in silence',
        ['{"unsubscribe":"ticks"}', '{"subscribe":"broken"}'],
        ['{"type":"broken","error":"topic failed"}'],
      ],
    ] as const) {
      it(name, async () => {
        const client = (await frames.open({ path: '/topics' })).send(...send.map((message) => text(message)));
        expect(await client.words(want.length)).to.deep.equal(want.map((word) => `text ${word}`));
        client.send(close(1000));
        expect(await client.rest()).to.deep.equal(['close 1000']);
      });
    }
  });

  describe('behind nginx', function () {
    this.timeout(30_000);
    let directory = '';
    let proxy: ChildProcess;
    let port = 0;
    let site: Site;

    before(async function () {
      if (!existsSync(NGINX)) {
        console.warn(`      ${NGINX} is not there: the proxy specs are skipped (Debian package nginx-light)`);
        return this.skip();
      }
      site = await Site.start(app);
      directory = mkdtempSync(join(tmpdir(), 'rx-http-kit-nginx-'));
      port = await new Promise<number>((resolve) => {
        const probe = createServer().listen(0, '127.0.0.1', () => {
          const { port: free } = probe.address() as { port: number }; // of TCP, as it was asked for
          probe.close(() => resolve(free));
        });
      });
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ');
      writeFileSync(
        join(directory, 'nginx.conf'),
        `daemon off; ${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; error_log ${directory}/error.log warn; pid ${directory}/pid;
events { worker_connections 256; }
http { access_log off; ${temporary}
  server { listen 127.0.0.1:${port};
    location / { proxy_pass http://127.0.0.1:${site.port}; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; } } }`,
      );
      proxy = spawn(NGINX, ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', join(directory, 'error.log')], { stdio: 'ignore' });
      await until('nginx accepts connections', () =>
        RawClient.open({ port }).then(
          (client) => (client.leave(), true),
          () => false,
        ),
      );
    });

    after(async () => {
      if (directory === '') return;
      const gone = new Promise((resolve) => proxy.once('exit', resolve));
      if (proxy.exitCode === null && proxy.kill('SIGTERM')) await gone;
      expect(site.failures).to.deep.equal([]);
      await site.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    it('ws talks as without it', async () => {
      expect(await talk(ws.WebSocket as unknown as SocketClass, `ws://127.0.0.1:${port}/`)).to.deep.equal(SAID);
    });

    it('frames that come with the handshake, pings and closes get through', async () => {
      const client = await FrameClient.open({ port }, { behind: Buffer.concat([text('a'), ping('p'), text('b'), close(4000, 'x')]) });
      expect(await client.rest()).to.deep.equal(['text a', 'pong p', 'text b', 'close 4000 x']);
    });

    it('refusals get through', async () => {
      const client = await RawClient.open({ port });
      expect((await client.send(handshake({ 'Sec-WebSocket-Version': '8' })).response()).status).to.equal(426);
      client.leave();
    });

    it('compression gets through', async () => {
      const client = await FrameClient.open(
        { port },
        { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover' } },
      );
      const { isCompressed, payload } = await client.send(text(LARGE)).next();
      expect(isCompressed).to.equal(true);
      expect(inflated(payload).toString()).to.equal(LARGE);
      client.abort();
    });

    it('a client that leaves is noticed behind it', async () => {
      const client = await FrameClient.open({ port });
      await client.send(text('x')).word();
      client.abort();
      await site.letGo(0);
    });
  });
});
