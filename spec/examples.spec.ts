import { expect } from 'chai';
import { readFile, readdir } from 'node:fs/promises';
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

async function residentBytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** One probe per example, over the wire. */
const PROBES: Readonly<Record<string, (example: RunningExample) => Promise<void>>> = {
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
