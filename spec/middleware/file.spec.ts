import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { map } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import { compose, compress, file, head, resource } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';
import { runCommand } from '../support/run-command.js';
import { withServer } from '../support/serve.js';

const next: Handler = map(({ method, uri }) => ({ status: 202, body: `${method} ${uri}` }));

describe('file', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-file-'));
    await writeFile(join(folder, 'a.txt'), '0123456789');
    await writeFile(join(folder, 'big.txt'), 'x'.repeat(300_000));
    await writeFile(join(folder, '.secret'), 'secret');
  });

  after(() => rm(folder, { recursive: true }));

  it('answers with the file, and leaves the rest to the handler', async () => {
    const handler = file(folder)(next);
    expect((await inject(handler, '/a.txt').collect()).text).to.equal('0123456789');
    for (const uri of ['/b.txt', '/.secret', '/../a.txt', '/%2e%2e/a.txt', '/']) {
      expect((await inject(handler, uri).collect()).text, uri).to.equal(`GET ${uri}`);
    }
    expect((await inject(handler, { method: 'POST', uri: '/a.txt', body: 'x' }).collect()).text).to.equal('POST /a.txt');
  });

  it('takes a folder as a URL', async () => {
    expect((await inject(file(pathToFileURL(folder))(next), '/a.txt').collect()).status).to.equal(200);
    expect((await inject(resource(pathToFileURL(folder))(next), '/a.txt').collect()).status).to.equal(200);
  });

  it('is compressed, but for ranges', async () => {
    const handler = compose(compress(), file(folder))(next);
    const whole = await inject(handler, { uri: '/big.txt', headers: { 'accept-encoding': 'gzip' } }).collect();
    expect([whole.headers['content-encoding'], whole.headers['accept-ranges']]).to.deep.equal(['gzip', undefined]);
    const part = await inject(handler, { uri: '/big.txt', headers: { 'accept-encoding': 'gzip', range: 'bytes=0-4' } }).collect();
    expect([part.status, part.text, part.headers['content-encoding']]).to.deep.equal([206, 'xxxxx', undefined]);
  });

  it('gives curl the rest of a download, and one to who has it nothing', async () => {
    await withServer(compose(head(), file(folder))(next), {}, async ({ origin }) => {
      const curl = async (...words: string[]): Promise<string> =>
        (await runCommand('curl', ['-s', '--path-as-is', ...words], folder)).stdout;
      expect(await curl('-r', '2-4', `${origin}/a.txt`)).to.equal('234');
      expect(await curl('-r', '-2', `${origin}/a.txt`)).to.equal('89');
      await writeFile(join(folder, 'part'), '0123');
      await curl('-C', '-', '-o', 'part', `${origin}/a.txt`);
      expect(await curl(`file://${folder}/part`)).to.equal('0123456789');
      expect(await curl('-I', `${origin}/a.txt`)).to.match(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 10\r\n/);
      expect(await curl('-z', 'a.txt', '-w', '%{http_code}', `${origin}/a.txt`)).to.equal('304');
      expect(await curl(`${origin}/../a.txt`)).to.equal('GET /../a.txt');
    });
  });

  it('refuses a folder that is not there', () => {
    expect(() => file(join(folder, 'nowhere'))).to.throw(OptionError, 'root');
    expect(() => file(folder, { index: 'index.html' as unknown as string[] })).to.throw(OptionError, 'index');
    expect(() => resource(folder as unknown as URL)).to.throw(OptionError, 'root');
    expect(() => resource(new URL('http://a.example/'))).to.throw(OptionError, 'root');
  });
});
