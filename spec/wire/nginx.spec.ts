/** nginx as a reverse proxy in front: what most deployments look like. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { concat, interval, map, of, Subject, take, tap, toArray } from 'rxjs';
import { eventStream, type Handler } from 'rx-http-kit';
import { byPath, soon } from '../support/by-path.js';
import { RawClient } from '../support/raw-client.js';
import { Site } from '../support/serve.js';
import { nginxIsMissing, type RunningNginx, startNginx } from '../support/start-nginx.js';
import { line } from './cases/case.js';

const LARGE = 20 * 1_048_576;
const PIECE = Buffer.alloc(65_536, 'abcdefgh');

const LOCATIONS = `
    location / { proxy_pass http://rx; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
    location /unbuffered/ {
      proxy_pass http://rx/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off;
    }
    location /old/ { proxy_pass http://rx/; proxy_http_version 1.0; }`;

const missing = nginxIsMissing();

const sizeAndSum = (pieces: readonly Uint8Array[]): string => {
  const hash = createHash('sha1');
  let size = 0;
  for (const piece of pieces) {
    size += piece.length;
    hash.update(piece);
  }
  return `${size} ${hash.digest('hex')}`;
};

describe(`nginx in front${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(30_000);
  let nginx: RunningNginx | undefined;
  let port = 0;
  let site: Site;
  let framings: string[] = [];
  const released$ = new Subject<void>();

  const events = eventStream(() => concat(of('first'), released$.pipe(map(() => 'second'), take(1)))); // prettier-ignore

  const app: Handler = (requests$) =>
    requests$.pipe(
      tap((request) => framings.push(request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? 'none')),
      byPath({
        '/': () => of('root'),
        '/slow': () => soon('slow'),
        '/stream': () => concat(of('first '), soon('second')),
        '/ticks': () =>
          interval(5).pipe(
            take(5),
            map((tick) => `${tick};`),
          ),
        '/events': (request) => of(request).pipe(events),
        '/large': () =>
          of({
            body: (function* () {
              for (let sent = 0; sent < LARGE; sent += PIECE.length) yield PIECE;
            })(),
          }),
        '/known': () => of(Buffer.alloc(LARGE, 'abcdefgh')),
        '/sum': (request) => request.body$.pipe(toArray(), map(sizeAndSum)),
        '/throws': () =>
          of(1).pipe(
            map((): string => {
              throw new Error('secret');
            }),
          ),
        '/cut': () =>
          concat(
            of('begun'),
            soon('').pipe(
              map((): string => {
                throw new Error('secret');
              }),
            ),
          ),
      }),
    );

  before(async function () {
    if (missing !== undefined) return this.skip();
    site = await Site.start(app, { maxBody: 2 * LARGE });
    nginx = await startNginx(site.port, LOCATIONS);
    port = nginx.port;
  });

  after(async () => {
    if (nginx === undefined) return;
    await nginx.stop();
    await site.stop();
  });

  beforeEach(() => {
    framings = [];
  });

  const get = async (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, init);

  it('hands requests on over connections that it keeps', async () => {
    const before = site.accepted;
    for (let round = 0; round < 20; round++) {
      expect(await (await get('/')).text()).to.equal('root');
      expect(await (await get('/slow')).text()).to.equal('slow');
      expect(await (await get('/stream')).text()).to.equal('first second');
      expect((await get('/nowhere')).status).to.equal(404);
      expect((await get('/throws')).status).to.equal(500);
      expect((await get('/', { method: 'HEAD' })).headers.get('content-length')).to.equal('4');
      expect(await (await get('/sum', { method: 'POST', body: 'abc' })).text()).to.equal(sizeAndSum([Buffer.from('abc')]));
    }
    expect(site.accepted - before, 'upstream connections for 140 requests').to.be.at.most(4);
  });

  it('hands a pipeline on', async () => {
    const client = await RawClient.open({ port });
    client.send(line('GET /slow HTTP/1.1') + line('GET / HTTP/1.1') + line('GET /stream HTTP/1.1'));
    // nginx sends no `date` of ours away, so the strict reader serves for it too
    expect((await client.response()).body.toString()).to.equal('slow');
    expect((await client.response()).body.toString()).to.equal('root');
    expect((await client.response()).body.toString()).to.equal('first second');
    client.leave();
  });

  for (const [path, framing] of [
    ['/large', 'chunked'],
    ['/unbuffered/large', 'chunked'],
    ['/known', 'length'],
    ['/unbuffered/known', 'length'],
    ['/old/large', 'the end of the connection'],
    ['/old/known', 'length'],
  ]) {
    it(`brings 20 MiB down from ${path}, framed by ${framing}`, async () => {
      const body = Buffer.from(await (await get(path)).arrayBuffer());
      expect(body.length).to.equal(LARGE);
      expect(body.equals(Buffer.alloc(LARGE, 'abcdefgh'))).to.equal(true);
    });
  }

  for (const path of ['/sum', '/unbuffered/sum', '/old/sum']) {
    it(`brings 20 MiB up to ${path}, by length`, async () => {
      const body = Buffer.alloc(LARGE, 'abcdefgh');
      expect(await (await get(path, { method: 'POST', body })).text()).to.equal(sizeAndSum([body]));
      expect(framings).to.deep.equal([String(LARGE)]);
    });
  }

  for (const path of ['/sum', '/unbuffered/sum']) {
    it(`brings 20 MiB up to ${path} from a stream`, async () => {
      let sent = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent >= LARGE) return controller.close();
          sent += PIECE.length;
          controller.enqueue(PIECE);
        },
      });
      // `duplex` is what fetch asks for with a stream, and not yet in all types
      const response = await get(path, { method: 'POST', body, duplex: 'half' } as RequestInit);
      expect(await response.text()).to.equal(sizeAndSum([Buffer.alloc(LARGE, 'abcdefgh')]));
      expect(framings).to.deep.equal([path === '/sum' ? String(LARGE) : 'chunked']);
    });
  }

  it('hands pieces on as they come', async () => {
    const response = await get('/unbuffered/ticks');
    const reader = response.body!.getReader();
    const pieces: string[] = [];
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read())
      pieces.push(Buffer.from(value!).toString());
    expect(pieces.join('')).to.equal('0;1;2;3;4;');
    expect(pieces.length).to.be.above(1);
  });

  it('hands events on as they come, with its buffering on', async () => {
    const reader = (await get('/events')).body!.getReader();
    let text = '';
    const readUntil = async (word: string): Promise<void> => {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        text += Buffer.from(value!).toString();
        if (text.includes(word)) return;
      }
    };
    await readUntil('first'); // the second is not made before
    released$.next();
    await readUntil('retry');
    expect(text).to.equal('data: first\n\ndata: second\n\nretry: 3000\n\n');
  });

  it('sees that a reply was cut', async () => {
    const outcome = await get('/unbuffered/cut')
      .then((response) => response.text())
      .then(
        (text) => `completed with ${text}`,
        () => 'failed',
      );
    expect(outcome).to.equal('failed');
  });

  it('has found nothing wrong with our replies', () => {
    // the cut reply is the one thing that it may complain of
    expect(nginx?.complaints().filter((entry) => !entry.includes('/cut'))).to.deep.equal([]);
    expect(site.failures.every((failure) => failure.includes('secret'))).to.equal(true);
  });
});
