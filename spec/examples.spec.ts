import { expect } from 'chai';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { startExample, type RunningExample } from './support/start-example.js';

/** Reads a streamed reply until `enough` of its text is there, then leaves. */
async function readUntil(url: string, enough: (text: string) => boolean): Promise<string> {
  const leave = new AbortController();
  const response = await fetch(url, { signal: leave.signal });
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (enough(text)) break;
  }
  leave.abort();
  return text;
}

const post = (url: string, body: string): Promise<Response> => fetch(url, { method: 'POST', body });

/** Says each of `messages`, and returns as many that it hears; then leaves. */
async function hear(url: string, count: number, messages: readonly string[] = [], protocols: string[] = []): Promise<string[]> {
  const socket = new WebSocket(url.replace('http', 'ws'), protocols);
  const heard: string[] = [];
  const enough = new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      if (heard.push(data.toString()) === count) resolve();
    });
    socket.on('error', reject);
  });
  socket.on('open', () => {
    for (const message of messages) socket.send(message);
  });
  await enough;
  socket.close();
  await once(socket, 'close');
  return heard;
}

/** Status of a refused handshake. */
async function refusal(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  socket.on('error', () => {}); // what `close` makes of a handshake in work
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }]; // as ws documents it
  socket.close();
  return response.statusCode;
}

async function residentBytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** One probe per example, over the wire. */
const PROBES: Readonly<Record<string, (example: RunningExample) => Promise<void>>> = {
  'prices.ts': async ({ url }) => {
    const [heard] = await hear(url, 1);
    expect(JSON.parse(heard)).to.have.keys('symbol', 'price');
    const lines = await readUntil(url, (text) => text.split('\n').length > 3);
    expect(
      lines
        .split('\n')
        .slice(0, 3)
        .map((line) => typeof JSON.parse(line).price),
    ).to.deep.equal(['number', 'number', 'number']);
  },
  'one-at-a-time.ts': async ({ url }) => {
    const begun = Date.now();
    const heard = await hear(url, 3, ['a', 'b', 'c']);
    expect(heard).to.deep.equal(['done: a', 'done: b', 'done: c']);
    expect(Date.now() - begun, 'one after the other').to.be.at.least(250);
  },
  'hello.ts': async ({ url }) => {
    const response = await fetch(url);
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
    expect(await response.text()).to.equal('hello HTTP!\n');
  },

  'echo-json.ts': async ({ url }) => {
    expect(await (await post(url, '{"n":21}')).json()).to.deep.equal({ received: { n: 21 } });
    expect((await post(url, '{"n":')).status).to.equal(400);
  },

  'routing.ts': async ({ url }) => {
    expect(await (await fetch(`${url}/notes/1`)).json()).to.deep.equal({ text: 'first' });
    const made = await post(`${url}/notes`, '{"text":"second"}');
    expect([made.status, made.headers.get('location'), await made.json()]).to.deep.equal([201, '/notes/2', { text: 'second' }]);
    expect(await (await fetch(`${url}/notes`)).json()).to.deep.equal(['1', '2']);
    expect((await fetch(`${url}/notes/2`, { method: 'DELETE' })).status).to.equal(204);
    const gone = await fetch(`${url}/notes/2`);
    expect([gone.status, await gone.json()]).to.deep.equal([404, { error: 'not found' }]);
    const wrong = await fetch(`${url}/notes`, { method: 'PUT' });
    expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST, OPTIONS']);
  },

  'middleware.ts': async (example) => {
    const origin = 'https://a.example';
    const response = await fetch(`${example.url}/?word=hi&times=500`, { headers: { origin, 'x-request-id': 'mine' } });
    expect(await response.text()).to.equal('hi '.repeat(500));
    const names = ['content-encoding', 'access-control-allow-origin', 'x-request-id', 'ratelimit-policy'];
    expect(names.map((name) => response.headers.get(name))).to.deep.equal(['gzip', origin, 'mine', '"default";q=100;w=60']);
    const wrong = await fetch(`${example.url}/?times=many`, { headers: { origin } });
    expect([wrong.status, await wrong.text(), wrong.headers.get(names[1])]).to.deep.equal([400, 'times is a number', origin]);
    await example.printed('"status":400');
  },

  'login.ts': async ({ url }) => {
    const page = await fetch(url);
    const text = await page.text();
    expect(text).to.contain('stranger');
    const cookie = page.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const form = { user: '<ann>', '__anti-forgery-token': /value="([^"]+)"/.exec(text)?.[1] ?? '' };
    const post = (fields: Record<string, string>) =>
      fetch(url, { method: 'POST', redirect: 'manual', headers: { cookie }, body: new URLSearchParams(fields) });
    expect((await post({ user: 'eve' })).status).to.equal(403);
    const done = await post(form);
    expect(done.status).to.equal(303);
    const own = done.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    expect(own).to.not.equal(cookie);
    expect(await (await fetch(url, { headers: { cookie: own } })).text()).to.contain('<p>welcome &#60;ann></p>');
    expect(await (await fetch(url, { headers: { cookie: own } })).text()).to.contain('<p> &#60;ann></p>');
    expect(await (await fetch(url, { headers: { cookie } })).text()).to.contain('stranger');
  },

  'interop-express.ts': async ({ url }) => {
    expect(await (await fetch(`${url}/prices`)).text()).to.equal('100\n101\n102\n');
    expect(await (await fetch(`${url}/old`)).text()).to.equal('express');
    expect(await hear(`${url}/echo`, 1, ['hello'])).to.deep.equal(['hello']);
  },

  'fetch-app.ts': async ({ url }) => {
    expect(await (await fetch(`${url}/hello/world`)).text()).to.equal('hello world');
    expect(await (await fetch(`${url}/self`)).text()).to.equal('42');
  },

  'counter.ts': async (example) => {
    expect(await readUntil(example.url, (text) => text.includes('2\n'))).to.equal('0\n1\n2\n');
    await example.printed('the client has gone');
  },

  'export-ndjson.ts': async (example) => {
    const text = await readUntil(example.url, ({ length }) => length > 30_000_000);
    const lines = text.split('\n').slice(0, -1);
    expect(JSON.parse(lines[lines.length - 1])).to.include({ id: lines.length });
    await example.printed('the generator was let go');
    expect(await residentBytes(example.pid)).to.be.below(250_000_000);
  },

  'download.ts': async ({ url }) => {
    const licence = await readFile('LICENSE', 'utf8');
    const response = await fetch(url);
    expect(response.headers.get('content-length')).to.equal(String(Buffer.byteLength(licence)));
    expect(response.headers.get('content-disposition')).to.equal('attachment; filename="LICENSE.txt"');
    expect(await response.text()).to.equal(licence);
  },

  'errors.ts': async (example) => {
    const missing = await fetch(`${example.url}/order/7`);
    expect([missing.status, await missing.text()]).to.deep.equal([404, 'there is no /order/7']);
    const bug = await fetch(`${example.url}/bug`);
    expect(bug.status).to.equal(500);
    expect(await bug.text()).to.not.include('swordfish');
    await example.printed('swordfish');
    expect((await fetch(example.url)).status).to.equal(200);
  },

  'admission.ts': async (example) => {
    const replies = await Promise.all(['/1', '/2', '/3', '/4'].map((path) => fetch(`${example.url}${path}`)));
    expect(replies.map(({ status }) => status).sort()).to.deep.equal([200, 200, 200, 503]);
    expect(replies.find(({ status }) => status === 503)?.headers.get('retry-after')).to.equal('3');
    await example.printed('2 waiting');
  },

  'websocket-echo.ts': async ({ url }) => {
    expect(await hear(url, 2, ['hello', 'again'])).to.deep.equal(['hello', 'again']);
    expect((await fetch(url)).status).to.equal(426);
  },

  'push.ts': async (example) => {
    expect(await readUntil(example.url, (text) => text.includes('1\n'))).to.equal('0\n1\n');
    await example.printed('the client has gone');
    expect(await hear(example.url, 2)).to.deep.equal(['0\n', '1\n']);
  },

  'sse.ts': async ({ url }) => {
    const ticks = await readUntil(url, (text) => text.includes('tick 1'));
    expect(ticks).to.match(/^retry: 1000\n\nid: 0\nevent: tick\ndata: tick 0\ndata: \d{4}-/);
    expect(await readUntil(`${url}?lastEventId=7`, (text) => text.includes('tick 8'))).to.include('id: 8\nevent: tick\ndata: tick 8\n');
  },

  'feed.ts': async ({ url }) => {
    expect(await (await fetch(url)).text()).to.include('new EventSource(url())');
    const prices = `${url}/prices`;
    const lines = await readUntil(`${prices}?transport=ndjson`, (text) => text.split('\n').length > 5);
    const [start, ...items] = lines
      .split('\n')
      .slice(0, 5)
      .map((line) => JSON.parse(line) as { id: string; cursor: string }); // as the feed words it
    const [epoch, offset] = start.cursor.split(':');
    expect(items.map(({ id }) => id)).to.deep.equal([1, 2, 3, 4].map((n) => `${epoch}:${Number(offset) + n}`));
    const [frame] = await hear(`${prices}?cursor=${start.cursor}`, 1);
    expect(JSON.parse(frame)).to.deep.equal(items[0]);
    const poll = (await (await fetch(`${prices}?cursor=${start.cursor}`)).json()) as { items: unknown[] }; // as above
    expect(poll.items[0]).to.deep.equal(items[0]);
  },

  'llm-tokens.ts': async (example) => {
    const url = `${example.url}/answers/1?transport=sse`;
    const first = await readUntil(url, (text) => text.includes('"answer"'));
    const cursor = [...first.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
    await example.printed('the model is done with /answers/1');
    const rest = await (await fetch(`${url}&cursor=${cursor}`)).text();
    const heard = [...(first + rest).matchAll(/^data: "(.*)"$/gm)].map((match) => match[1]);
    expect(heard.join(' ')).to.equal('An answer is a stream of tokens , and a stream can be taken up again where it was cut .');
    const last = [...rest.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
    expect((await fetch(`${url}&cursor=${last}`)).status).to.equal(204);
  },

  'processes.ts': async (example) => {
    const answerers = new Set<string>();
    for (let asked = 0; answerers.size < 2 && asked < 50; asked++) {
      answerers.add(await (await fetch(example.url, { headers: { connection: 'close' } })).text());
    }
    expect([...answerers].sort()).to.deep.equal(['process 1 answers /\n', 'process 2 answers /\n']);
    process.kill(example.pid, 'SIGHUP');
    await example.printed('replaced');
    expect(await (await fetch(example.url)).text()).to.match(/^process [12] answers/);
  },

  'subprotocol.ts': async ({ url }) => {
    expect(await hear(url, 2, ['1', '2'], ['sum.v2', 'sum.v1'])).to.deep.equal(['{"sum":1}', '{"sum":3}']);
    expect(await hear(url, 2, ['1', '2'], ['sum.v3', 'sum.v1'])).to.deep.equal(['1', '3']);
  },

  'authenticated-upgrade.ts': async ({ url }) => {
    expect(await refusal(url)).to.equal(401);
    expect(await refusal(url, { authorization: 'Bearer guess' })).to.equal(401);
    const headers = { authorization: 'Bearer open sesame' };
    const socket = new WebSocket(url.replace('http', 'ws'), { headers });
    socket.on('open', () => socket.send('HUSH'));
    const [message] = (await once(socket, 'message')) as [Buffer]; // as ws documents it
    expect(message.toString()).to.equal('hush');
    socket.close();
  },

  'chat.ts': async ({ url }) => {
    expect(await (await fetch(url)).text()).to.include('new WebSocket(');
    const room = `${url}/room`;
    const poll = async (after: number): Promise<unknown> => (await fetch(`${room}?after=${after}`)).json();

    const first = poll(0); // nothing is said yet: it waits
    expect(await hear(room, 1, ['"over WebSocket"'])).to.deep.equal(['{"id":1,"text":"over WebSocket"}']);
    expect(await first).to.deep.equal({ id: 1, text: 'over WebSocket' });

    const heard = hear(`${room}?after=1`, 1);
    expect((await post(room, 'over HTTP')).status).to.equal(204);
    expect(await heard).to.deep.equal(['{"id":2,"text":"over HTTP"}']);
    expect(await poll(1)).to.deep.equal({ id: 2, text: 'over HTTP' });
  },

  'threads.ts': async ({ url }) => {
    const [busy, text] = await Promise.all([fetch(`${url}/primes?below=300000`), (await fetch(url)).text()]);
    expect(text).to.match(/^[01] threads are busy\n$/);
    expect(await busy.text()).to.match(/^25997 primes, says worker-[12]\n$/);
    expect((await fetch(`${url}/primes?below=1e9`)).status).to.equal(400);
  },

  'demo.ts': async ({ url, output }) => {
    expect(output()).to.match(/curl .*\/hello/);
    expect((await fetch(url, { method: 'HEAD' })).headers.get('content-type')).to.equal('text/html; charset=utf-8');
    const page = await (await fetch(url)).text();
    expect(page).to.include('/count').and.include("fetch('/count')");
    expect(await (await fetch(`${url}/hello`)).text()).to.equal('hello HTTP!\n');
    expect(await (await post(`${url}/echo`, '{"n":21}')).json()).to.deep.equal({ n: 21 });
    expect(await readUntil(`${url}/count`, (text) => text.includes('1\n'))).to.equal('0\n1\n');
    expect((await (await fetch(`${url}/export`)).text()).endsWith('{"id":100000}\n')).to.equal(true);
    expect((await fetch(`${url}/teapot`)).status).to.equal(418);
    expect((await fetch(`${url}/elsewhere`)).status).to.equal(404);
  },
};

describe('examples', function () {
  this.timeout(30_000); // each one starts a process

  it('have a probe each, under 40 lines each', async () => {
    const files = (await readdir('examples')).filter((name) => name.endsWith('.ts'));
    expect(files).to.have.members(Object.keys(PROBES));
    for (const file of files) {
      expect((await readFile(`examples/${file}`, 'utf8')).split('\n').length, file).to.be.at.most(40);
    }
  });

  let example: RunningExample | undefined;

  // Here and not behind the probe: a probe that waits in vain never comes to its end.
  afterEach(() => example?.stop());

  for (const [file, probe] of Object.entries(PROBES)) {
    it(`${file} does what it says`, async () => {
      example = await startExample(`build/examples/${file.replace(/ts$/, 'js')}`);
      await probe(example);
    });
  }
});
