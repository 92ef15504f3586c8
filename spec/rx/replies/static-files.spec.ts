import { expect } from 'chai';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatMap, type Observable } from 'rxjs';
import { type Handler, type HttpRequest, OptionError, type Reply } from 'rx-http-kit';
import { type CollectedReply, inject } from 'rx-http-kit/testing';
import { type StaticFiles, staticFiles, type StaticFilesOptions } from '#src/rx/replies/static-files.js';

const MODIFIED = new Date('2024-05-06T07:08:09Z');

describe('staticFiles', () => {
  let folder: string;
  let root: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-files-'));
    root = join(folder, 'public');
    await mkdir(join(root, 'docs'), { recursive: true });
    await mkdir(join(root, 'empty'));
    await mkdir(join(root, '.well-known'));
    const files: Record<string, string> = {
      'secret.txt': 'secret',
      'public-secret.txt': 'secret',
      'public/hello.txt': '0123456789',
      'public/none.txt': '',
      'public/js': 'a file without an extension',
      'public/app.js': 'let a = 1;',
      'public/app.js.br': 'brotli',
      'public/app.js.gz': 'gzip',
      'public/stale.js': 'let b = 2;',
      'public/stale.js.gz': 'old',
      'public/docs/index.html': '<p>docs</p>',
      'public/.env': 'secret',
      'public/.well-known/security.txt': 'mailto',
      'public/with space.txt': 'space',
      'public/ünïcode.txt': 'unicode',
      'public/%2e%2e': 'a name like any other',
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text);
      await utimes(join(folder, name), MODIFIED, MODIFIED);
    }
    await utimes(join(root, 'stale.js.gz'), MODIFIED, new Date(MODIFIED.getTime() - 60_000));
    await symlink(join(folder, 'secret.txt'), join(root, 'link-out.txt'));
    await symlink(folder, join(root, 'folder-out'));
    await symlink(join(root, 'hello.txt'), join(root, 'link-in.txt'));
    await symlink(join(root, 'loop'), join(root, 'loop'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const handlerOf =
    (find: StaticFiles): Handler =>
    (requests$: Observable<HttpRequest>) =>
      requests$.pipe(
        concatMap((request) => find(request, request.uri)),
        concatMap((response): Reply[] => (response === null ? [] : [response])),
      );

  const get = (uri: string, headers: Record<string, string> = {}, options: StaticFilesOptions = {}, method = 'GET') =>
    inject(handlerOf(staticFiles('file', root, options)), { uri, headers, method }).collect();

  const seen = ({ status, text, headers }: CollectedReply, ...names: string[]) => [status, text, ...names.map((name) => headers[name])];

  it('serves a file with its type, length and validators', async () => {
    expect(seen(await get('/hello.txt'), 'content-type', 'content-length', 'etag', 'last-modified', 'accept-ranges')).to.deep.equal([
      200,
      '0123456789',
      'text/plain; charset=utf-8',
      '10',
      `W/"a-${MODIFIED.getTime().toString(16)}"`,
      'Mon, 06 May 2024 07:08:09 GMT',
      'bytes',
    ]);
    expect(seen(await get('/none.txt'), 'content-length')).to.deep.equal([200, '', '0']);
    expect((await get('/js')).headers['content-type']).to.equal('application/octet-stream');
    expect((await get('/app.js', {}, { mimeTypes: { '.js': 'text/x' }, cacheControl: 'no-cache' })).headers).to.include({
      'content-type': 'text/x',
      'cache-control': 'no-cache',
    });
  });

  it('decodes names, once', async () => {
    expect((await get('/with%20space.txt')).text).to.equal('space');
    expect((await get('/%C3%BCn%C3%AFcode.txt')).text).to.equal('unicode');
    expect((await get('/%252e%252e')).text).to.equal('a name like any other');
  });

  it('answers HEAD as GET, without the body', async () => {
    const [got, head] = [await get('/hello.txt'), await get('/hello.txt', {}, {}, 'HEAD')];
    expect([head.status, head.text, head.headers]).to.deep.equal([200, '', { ...got.headers, date: head.headers['date'] }]);
  });

  it('leaves other methods alone', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await get('/hello.txt', {}, {}, method)).status, method).to.equal(404);
  });

  it('serves the index of a folder, sends to the slash, lists nothing', async () => {
    expect(seen(await get('/docs/'), 'content-type')).to.deep.equal([200, '<p>docs</p>', 'text/html; charset=utf-8']);
    expect(seen(await get('/docs?a=b'), 'location')).to.deep.equal([301, '', '/docs/?a=b']);
    expect((await get('/empty/')).status).to.equal(404);
    expect((await get('/')).status).to.equal(404);
    expect((await get('/docs/', {}, { index: [] })).status).to.equal(404);
    expect((await get('/hello.txt/')).status).to.equal(404);
  });

  const escapes = [
    '/../secret.txt',
    '/docs/../../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/.%2e/secret.txt',
    '/%2E./secret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/%5c..%5csecret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/%e0%80%ae%e0%80%ae/secret.txt',
    '/%uff0e%uff0e/secret.txt',
    '/..;/secret.txt',
    '/docs/..;/..;/secret.txt',
    '/..%00/secret.txt',
    '/hello.txt%00',
    '/hello.txt%00.html',
    '/hello.txt%0a',
    '//secret.txt',
    '/docs//index.html',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/C:/secret.txt',
    '/c:%5csecret.txt',
    '/%63%3a%5csecret.txt',
    '/./hello.txt',
    '/%2e/hello.txt',
    '/..-secret.txt',
    '/../public-secret.txt',
    '/%',
    '/%zz',
    '/link-out.txt',
    '/folder-out/secret.txt',
    '/folder-out/',
    '/loop',
    '/.env',
    '/%2eenv',
    '/.well-known/security.txt',
    `/${'a'.repeat(300)}`,
    `/${'a/'.repeat(2_000)}`,
  ];
  for (const uri of escapes) {
    it(`finds nothing behind ${uri.slice(0, 60)}`, async () => {
      const reply = await get(uri);
      expect([reply.status, reply.text, reply.events]).to.deep.equal([404, 'not found', []]);
    });
  }

  it('serves names with a dot and links, where it was told to', async () => {
    expect((await get('/.well-known/security.txt', {}, { dotfiles: ['.well-known'] })).text).to.equal('mailto');
    expect((await get('/link-in.txt')).text).to.equal('0123456789');
    expect((await get('/link-in.txt', {}, { symlinks: 'refuse' })).status).to.equal(404);
    expect((await get('/hello.txt', {}, { symlinks: 'refuse' })).status).to.equal(200);
  });

  const etag = `W/"a-${MODIFIED.getTime().toString(16)}"`;
  const date = MODIFIED.toUTCString();
  const conditions: readonly (readonly [Record<string, string>, number])[] = [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': etag.slice(2) }, 304],
    [{ 'if-none-match': `"other", ${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': date }, 304],
    [{ 'if-modified-since': 'Monday, 06-May-24 07:08:09 GMT' }, 304],
    [{ 'if-modified-since': 'Mon May  6 07:08:09 2024' }, 304],
    [{ 'if-modified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, 200],
    [{ 'if-modified-since': '2999' }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': date }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': etag }, 412], // weak tags never match strongly, RFC 9110 §13.1.1
    [{ 'if-match': '*' }, 200],
    [{ 'if-unmodified-since': 'Mon, 06 May 2024 07:08:08 GMT' }, 412],
    [{ 'if-unmodified-since': date }, 200],
    [{ 'if-unmodified-since': 'yesterday' }, 200],
  ];
  for (const [headers, status] of conditions) {
    it(`answers ${status} to ${JSON.stringify(headers)}`, async () => {
      const reply = await get('/hello.txt', headers);
      expect(seen(reply, 'etag')).to.deep.equal([status, status === 200 ? '0123456789' : '', status === 412 ? undefined : etag]);
    });
  }

  const ranges: readonly (readonly [string, number, string, string | undefined])[] = [
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=0-4,3-7', 206, '01234567', 'bytes 0-7/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=0-1,8-9', 200, '0123456789', undefined],
    ['bytes=4-2', 416, '', 'bytes */10'],
    ['bytes=a-b', 200, '0123456789', undefined],
    ['rows=0-1', 200, '0123456789', undefined],
    [`bytes=${'0-,'.repeat(1_000)}0-`, 206, '0123456789', 'bytes 0-9/10'],
  ];
  for (const [range, status, text, contentRange] of ranges) {
    it(`answers ${status} to range: ${range.slice(0, 40)}`, async () => {
      const reply = await get('/hello.txt', { range });
      expect(seen(reply, 'content-range', 'content-length')).to.deep.equal([status, text, contentRange, String(text.length)]);
    });
  }

  it('asks if-range before a range, and that strongly', async () => {
    const range = 'bytes=2-4';
    expect((await get('/hello.txt', { range, 'if-range': date })).status).to.equal(206);
    expect((await get('/hello.txt', { range, 'if-range': 'Mon, 06 May 2024 07:08:08 GMT' })).status).to.equal(200);
    expect((await get('/hello.txt', { range, 'if-range': etag })).status).to.equal(200);
    expect((await get('/hello.txt', { range }, {}, 'HEAD')).status).to.equal(200);
  });

  const codings: readonly (readonly [string | undefined, string, string | undefined])[] = [
    ['br, gzip', 'brotli', 'br'],
    ['gzip, br', 'brotli', 'br'],
    ['gzip', 'gzip', 'gzip'],
    ['br;q=0.5, gzip', 'gzip', 'gzip'],
    ['br;q=0, gzip;q=0', 'let a = 1;', undefined],
    ['identity, br;q=0.5', 'let a = 1;', undefined],
    ['*', 'brotli', 'br'],
    [undefined, 'let a = 1;', undefined],
  ];
  for (const [accepted, text, coding] of codings) {
    it(`serves ${coding ?? 'the file itself'} to accept-encoding: ${accepted}`, async () => {
      const reply = await get('/app.js', accepted === undefined ? {} : { 'accept-encoding': accepted });
      expect(seen(reply, 'content-encoding', 'content-type', 'vary')).to.deep.equal([
        200,
        text,
        coding,
        'text/javascript; charset=utf-8',
        'accept-encoding',
      ]);
    });
  }

  it('serves no compressed copy that is older than its file, and none where it was told so', async () => {
    expect((await get('/stale.js', { 'accept-encoding': 'gzip' })).text).to.equal('let b = 2;');
    const reply = await get('/app.js', { 'accept-encoding': 'gzip' }, { precompressed: [] });
    expect(seen(reply, 'vary')).to.deep.equal([200, 'let a = 1;', undefined]);
  });

  it('refuses a folder that is not there, and wrong options', () => {
    expect(() => staticFiles('file', join(folder, 'nowhere'))).to.throw(OptionError, 'root');
    expect(() => staticFiles('file', '')).to.throw(OptionError, 'root'); // an unset variable must not serve the working directory
    expect(() => staticFiles('file', root, { indexes: [] } as StaticFilesOptions)).to.throw(OptionError, 'indexes');
    expect(() => staticFiles('file', root, { precompressed: ['zip' as 'br'] })).to.throw(OptionError, 'precompressed');
    expect(() => staticFiles('file', root, { dotfiles: true as unknown as string[] })).to.throw(OptionError, 'dotfiles');
    expect(() => staticFiles('file', root, { symlinks: 'all' as 'inside' })).to.throw(OptionError, 'symlinks');
  });
});
