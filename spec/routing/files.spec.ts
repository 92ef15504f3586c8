import { type Handler, notFound, OptionError } from '#src/index.js';
import { context, files, get, routes } from '#src/routing/index.js';
import { inject } from '#src/testing/index.js';
import { expect } from 'chai';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { map } from 'rxjs';

describe('files', () => {
  let folder: string;
  let root: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-files-'));
    root = join(folder, 'public');
    await mkdir(join(root, 'deep'), { recursive: true });
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(root, 'index.html'), '<p>home</p>');
    await writeFile(join(root, 'deep', 'a b.txt'), 'text');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const fetched = async (app: Handler, uri: string, method = 'GET'): Promise<unknown[]> => {
    const { status, headers, text } = await inject(app, { uri, method }).collect();
    return [status, headers['content-type'], text];
  };
  const TEXT = 'text/plain; charset=utf-8';

  it('serves what is there, and passes on what is not', async () => {
    const app = routes(
      files('/', { root }),
      get(
        '/deep/other',
        map(() => 'route'),
      ),
      notFound('nothing'),
    );
    expect(await fetched(app, '/')).to.deep.equal([200, 'text/html; charset=utf-8', '<p>home</p>']);
    expect(await fetched(app, '/deep/a%20b.txt')).to.deep.equal([200, TEXT, 'text']);
    expect(await fetched(app, '/deep/a%20b.txt', 'HEAD')).to.deep.equal([200, TEXT, '']);
    expect(await fetched(app, '/deep/other')).to.deep.equal([200, TEXT, 'route']);
    expect(await fetched(app, '/none')).to.deep.equal([404, TEXT, 'nothing']);
    expect(await fetched(app, '/', 'POST')).to.deep.equal([404, TEXT, 'nothing']);
  });

  it('serves behind its path only, in a context too', async () => {
    const app = routes(context('/:lang', files('/static', { root })), notFound('nothing'));
    expect(await fetched(app, '/en/static/deep/a%20b.txt')).to.deep.equal([200, TEXT, 'text']);
    expect(await fetched(app, '/en/static/')).to.deep.equal([200, 'text/html; charset=utf-8', '<p>home</p>']);
    expect(await fetched(app, '/en/deep/a%20b.txt')).to.deep.equal([404, TEXT, 'nothing']);
    expect(await fetched(app, '/static/deep/a%20b.txt')).to.deep.equal([404, TEXT, 'nothing']);
  });

  it('leads nowhere else', async () => {
    const app = routes(files('/static', { root }));
    for (const way of [
      '../secret.txt',
      '%2e%2e/secret.txt',
      '..%2fsecret.txt',
      'deep/../../secret.txt',
      '..%5csecret.txt',
      '/secret.txt',
    ]) {
      const [status, , text] = await fetched(app, `/static/${way}`);
      expect(status, way).to.be.oneOf([400, 404]);
      expect(text, way).to.not.include('secret');
    }
  });

  it('refuses a folder that is not there, and a path that is none', () => {
    expect(() => files('/', { root: join(folder, 'none') })).to.throw(OptionError, 'root');
    expect(() => files('/', undefined as unknown as { root: string })).to.throw(OptionError, 'options'); // what untyped callers say
    expect(() => files('static', { root })).to.throw(OptionError, 'it must begin with a slash');
    expect(() => files('/static/', { root })).to.throw(OptionError, 'without a slash');
  });
});
