import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, map, mergeMap, NEVER, of, pipe, Subject, throwError } from 'rxjs';
import { file, type Handler, HttpError, type HttpRequest, OptionError } from 'rx-http-kit';
import {
  compose,
  multipartParams,
  type MultipartParamsFields,
  type MultipartParamsOptions,
  nestedParams,
  params,
  type UploadedFile,
} from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';
import { runCommand } from '../support/run-command.js';
import { until } from '../support/raw-client.js';
import { withServer } from '../support/serve.js';

const TYPE = 'multipart/form-data; boundary=bound';
const field = (name: string, value: string): string => `--bound\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const upload = (name: string, filename: string, content: string, type = 'text/plain'): string =>
  `--bound\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;
const END = '--bound--\r\n';

describe('multipartParams', () => {
  let directory: string;

  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'rx-http-kit-uploads-'))));

  /** Nothing may be left, whatever a test has done. */
  afterEach(async () => {
    await until('temporary files are removed', async () => (await readdir(directory)).length === 0);
    await rm(directory, { recursive: true });
  });

  const post = (handler: Handler, body: string, options: MultipartParamsOptions = {}, type = TYPE) =>
    inject(multipartParams({ directory, ...options })(handler), { method: 'POST', headers: { 'content-type': type }, body }).collect();

  const seen: Handler = map((request) => {
    const { multipartParams: all, params: texts } = request as HttpRequest & MultipartParamsFields; // as the middleware adds it
    const shown = (value: string | UploadedFile): unknown =>
      typeof value === 'string' ? value : { ...value, path: undefined, content: readFileSync(value.path, 'utf8') };
    const entries = Object.entries(all).map(([name, value]) => [name, Array.isArray(value) ? value.map(shown) : shown(value)]);
    return JSON.stringify({ all: Object.fromEntries(entries), texts });
  });

  it('gives fields as values and files in files', async () => {
    const body =
      field('title', 'héllo') +
      upload('doc', 'a.txt', 'content') +
      upload('doc', 'b.bin', '', 'application/x-b') +
      field('tag', '1') +
      field('tag', '2');
    expect((await post(seen, body + END)).json()).to.deep.equal({
      all: {
        title: 'héllo',
        doc: [
          { filename: 'a.txt', contentType: 'text/plain', size: 7, content: 'content' },
          { filename: 'b.bin', contentType: 'application/x-b', size: 0, content: '' },
        ],
        tag: ['1', '2'],
      },
      texts: { title: 'héllo', tag: ['1', '2'] },
    });
  });

  it('takes names of files for what they are: no paths', async () => {
    for (const name of ['../../etc/passwd', '/etc/passwd', 'C:\\boot.ini', '..\\..\\x']) {
      const reply = await post(
        map((request) => {
          const { doc } = (request as HttpRequest & MultipartParamsFields).multipartParams; // as the middleware adds it
          return (doc as UploadedFile).path; // one file was sent
        }),
        upload('doc', name, 'x') + END,
      );
      expect(reply.text, name).to.match(new RegExp(`^${directory}/rx-http-kit-[^/]+/0$`));
    }
  });

  it('leaves other bodies unread', async () => {
    const handler: Handler = map((request) => request.body$);
    expect((await post(handler, '{}', {}, 'application/json')).text).to.equal('{}');
  });

  it('goes with params and nestedParams', async () => {
    const handler: Handler = pipe(
      params(),
      multipartParams({ directory }),
      nestedParams(),
      map((request) => JSON.stringify(request.nestedParams)),
    );
    const reply = await inject(handler, {
      method: 'POST',
      uri: '/?q=1',
      headers: { 'content-type': TYPE },
      body: field('a[b]', 'c') + END,
    }).collect();
    expect(reply.json()).to.deep.equal({ q: '1', a: { b: 'c' } });
  });

  it('holds names that objects have for ordinary ones', async () => {
    await post(seen, field('__proto__', 'x') + field('constructor', 'y') + upload('__proto__', 'a', 'z') + END);
    expect(({} as Record<string, unknown>)['x']).to.equal(undefined);
  });

  const bombs: readonly (readonly [string, string, MultipartParamsOptions, number])[] = [
    ['as many files as may be', upload('a', 'b', 'c').repeat(2), { maxFiles: 2 }, 200],
    ['one file more', upload('a', 'b', 'c').repeat(3), { maxFiles: 2 }, 413],
    ['as many fields as may be', field('a', 'b').repeat(2), { maxFields: 2 }, 200],
    ['one field more', field('a', 'b').repeat(3), { maxFields: 2 }, 413],
    ['many fields', field('a', '').repeat(20_000), {}, 413],
    ['a file just as long as may be', upload('a', 'b', 'c'.repeat(11)), { maxFileBytes: 11 }, 200],
    ['a longer file', upload('a', 'b', 'c'.repeat(12)), { maxFileBytes: 11 }, 413],
    ['a much longer file behind another', upload('a', 'b', 'c') + upload('a', 'b', 'c'.repeat(500_000)), { maxFileBytes: 100_000 }, 413],
    ['a field just as long as may be', field('a', 'b'.repeat(11)), { maxFieldBytes: 11 }, 200],
    ['an empty file where none may have an octet', upload('a', 'b', ''), { maxFileBytes: 0 }, 200],
    ['a longer field', field('a', 'b'.repeat(12)), { maxFieldBytes: 11 }, 413],
    ['a longer name', field('a'.repeat(300), 'b'), {}, 413],
    ['a longer name of a file', upload('a'.repeat(300), 'b', 'c'), {}, 413],
    ['a part without a name', '--bound\r\nContent-Disposition: form-data\r\n\r\nx\r\n', {}, 413],
    ['a head without an end', `--bound\r\n${'x-a: b\r\n'.repeat(5_000)}`, {}, 400],
  ];
  for (const [what, body, options, status] of bombs) {
    it(`answers ${status} to ${what}`, async () => {
      const handler: Handler = map(() => 'x');
      expect((await post(handler, body + END, options)).status).to.equal(status);
    });
  }

  const malformed: readonly (readonly [string, string, string])[] = [
    ['no boundary', '', 'multipart/form-data; charset=utf-8'],
    ['an end too early', upload('a', 'b', 'content').slice(0, -12), TYPE],
    ['a field without its end', field('a', 'b'), TYPE],
    ['no part at all', 'garbage', TYPE],
    ['a name with a NUL', upload('doc', 'a\0b', 'x') + END, TYPE],
  ];
  for (const [what, body, type] of malformed) {
    it(`answers 400 to ${what}`, async () => {
      const handler: Handler = map(() => 'x');
      expect((await post(handler, body, {}, type)).status).to.equal(400);
    });
  }

  const pathOf = (request: HttpRequest): string =>
    ((request as HttpRequest & MultipartParamsFields).multipartParams['doc'] as UploadedFile).path; // one file was sent
  const endings: readonly (readonly [string, () => Handler])[] = [
    ['was sent', () => map(() => 'x')],
    ['failed', () => mergeMap(() => throwError(() => new Error('boom')))],
    ['was refused', () => mergeMap(() => throwError(() => new HttpError(403)))],
    ['is the file itself', () => map((request) => file(pathOf(request)))],
    ['nobody gave', () => mergeMap(() => [])],
    [
      'was cut',
      () =>
        mergeMap(() =>
          concat(
            of('a'),
            throwError(() => new Error('boom')),
          ),
        ),
    ],
  ];
  for (const [what, make] of endings) {
    it(`removes the files of a request whose reply ${what}`, async () => {
      let wasThere = false;
      const handler: Handler = (requests$) =>
        requests$.pipe(
          map((request) => {
            wasThere = existsSync(pathOf(request));
            return request;
          }),
          make(),
        );
      await post(handler, upload('doc', 'a', 'content'.repeat(10_000)) + END).catch(() => undefined);
      expect(wasThere).to.equal(true);
    });
  }

  it('removes the files of a client that leaves in the middle, and of one that leaves before the reply', async () => {
    const handler = multipartParams({ directory })(() => NEVER);
    await withServer(handler, {}, async (site) => {
      const body = upload('doc', 'a', 'x'.repeat(100_000)) + END;
      for (const part of [body.slice(0, 50_000), body]) {
        const client = await site.connect();
        client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${TYPE}\r\ncontent-length: ${body.length}\r\n\r\n`, part);
        await until('a file is there', async () => (await readdir(directory)).length > 0);
        client.abort();
        await until('it is removed', async () => (await readdir(directory)).length === 0);
      }
    });
  });

  it('removes the files when the process ends', async () => {
    const program = `
      import { multipartParams } from 'rx-http-kit/middleware';
      import { inject } from 'rx-http-kit/testing';
      import { tap } from 'rxjs';
      import { readdirSync } from 'node:fs';
      const handler = multipartParams({ directory: process.argv[1] })(tap(() => { console.log(readdirSync(process.argv[1]).length); process.exit(); }));
      const body = ${JSON.stringify(upload('doc', 'a', 'content') + END)};
      await inject(handler, { method: 'POST', headers: { 'content-type': ${JSON.stringify(TYPE)} }, body }).collect();`;
    const { stdout, stderr } = await runCommand(process.execPath, ['--input-type=module', '-e', program, directory], '.');
    expect([stdout.trim(), stderr]).to.deep.equal(['1', '']);
  });

  it('reads no faster than a pushed body comes, and lets it go when refused', async () => {
    const body$ = new Subject<string>();
    const pending = inject(compose(multipartParams({ directory, maxFields: 1 }))(map(() => 'x')), {
      method: 'POST',
      headers: { 'content-type': TYPE },
      body: body$,
    }).collect();
    await until('the body is read', () => body$.observed);
    body$.next(field('a', 'b') + field('c', 'd') + field('e', 'f'));
    expect((await pending).status).to.equal(413);
    expect(body$.observed).to.equal(false);
  });

  it('refuses wrong options', () => {
    expect(() => multipartParams({ maxFiles: -1 })).to.throw(OptionError, 'maxFiles');
    expect(() => multipartParams({ directory: '' })).to.throw(OptionError, 'directory');
    expect(() => multipartParams({ dir: '/' } as MultipartParamsOptions)).to.throw(OptionError, 'dir');
  });
});
