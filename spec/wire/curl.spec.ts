import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { concat, map, mergeMap, of, toArray } from 'rxjs';
import type { Handler } from 'rx-http-kit';
import { byPath, soon } from '../support/by-path.js';
import { withServer } from '../support/serve.js';

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs curl to its end; `input` goes to its standard input. */
const curl = (args: readonly string[], input: string | Buffer = ''): Promise<Run> =>
  new Promise((resolve, reject) => {
    const child = spawn('curl', ['--silent', '--show-error', '--max-time', '8', '--noproxy', '*', ...args]);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.stdin.on('error', () => undefined); // curl may stop reading; its exit code tells
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString('latin1'), err: Buffer.concat(err).toString() }));
    child.stdin.end(input);
  });

const app: Handler = byPath({
  '/': () => of('hello'),
  '/stream': () => concat(of('first '), soon('second '), soon('third')),
  '/size': (request) =>
    request.body$.pipe(
      toArray(),
      map((pieces) => `${request.headers['transfer-encoding'] ?? request.contentLength} ${Buffer.concat(pieces).length}`),
    ),
  '/refuse': () => of({ status: 403, body: 'no' }),
  '/trailers': (request) =>
    request.body$.pipe(
      toArray(),
      map(() => JSON.stringify(request.trailers)),
    ),
});

describe('curl', () => {
  before(async function () {
    const version = await curl(['--version']).catch(() => undefined);
    if (version?.code !== 0) this.skip();
  });

  const gets: Readonly<Record<string, readonly [args: readonly string[], out: string | RegExp]>> = {
    'a GET': [['/'], 'hello'],
    'a GET over HTTP/1.0': [['--http1.0', '/'], 'hello'],
    'a stream': [['/stream'], 'first second third'],
    'a stream over HTTP/1.0': [['--http1.0', '/stream'], 'first second third'],
    HEAD: [['--head', '/'], /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: 5\r\n(.+\r\n)*\r\n$/],
    'a POST': [['--data', 'abc', '/size'], '3 3'],
    'a chunked POST': [['--header', 'transfer-encoding: chunked', '--data', 'abc', '/size'], 'chunked 3'],
    'a GET with a body': [['--request', 'GET', '--data', 'abc', '/size'], '3 3'],
    'an upgrade to HTTP/2 that is not taken': [['--http2', '/'], 'hello'],
    'a path as it is': [['--path-as-is', '/a/../'], ''],
  };
  for (const [name, [args, out]] of Object.entries(gets)) {
    it(name, async () => {
      await withServer(app, {}, async ({ origin }) => {
        const path = args.at(-1)!;
        const run = await curl([...args.slice(0, -1), origin + path]);
        expect(run.err).to.equal('');
        expect(run.code).to.equal(0);
        if (typeof out === 'string') expect(run.out).to.equal(out === '' ? 'not found' : out);
        else expect(run.out).to.match(out);
      });
    });
  }

  it('reuses its connection for several requests', async () => {
    await withServer(app, {}, async (site) => {
      const urls = ['/', '/stream', '/refuse', '/nowhere', '/'].map((path) => site.origin + path);
      const run = await curl(['--write-out', '|', ...urls]);
      expect(run.code).to.equal(0);
      expect(run.out).to.equal('hello|first second third|no|not found|hello|');
      expect(site.accepted).to.equal(1);
      await site.letGo();
    });
  });

  it('uploads 5 MiB with expect: 100-continue, and is told to go on', async () => {
    await withServer(app, {}, async ({ origin }) => {
      const body = Buffer.alloc(5 * 1_048_576, 'z');
      const run = await curl(['--verbose', '--header', 'expect: 100-continue', '--data-binary', '@-', `${origin}/size`], body);
      expect(run.code).to.equal(0);
      expect(run.out).to.equal(`${body.length} ${body.length}`);
      expect(run.err).to.include('HTTP/1.1 100 Continue');
    });
  });

  it('is told 413 before it uploads 20 MiB with expect: 100-continue', async () => {
    await withServer(app, {}, async ({ origin }) => {
      const body = Buffer.alloc(20 * 1_048_576, 'z');
      const run = await curl(
        ['--header', 'expect: 100-continue', '--write-out', ' %{http_code} %{size_upload}', '--data-binary', '@-', `${origin}/size`],
        body,
      );
      expect(run.code).to.equal(0);
      expect(run.out).to.match(/ 413 0$/);
    });
  });

  it('is told 403 in the middle of an upload that nobody reads', async () => {
    await withServer(app, {}, async ({ origin }) => {
      const body = Buffer.alloc(4 * 1_048_576, 'z');
      const run = await curl(['--header', 'expect:', '--write-out', ' %{http_code}', '--data-binary', '@-', `${origin}/refuse`], body);
      expect(run.out).to.match(/ 403$/);
    });
  });

  it('uploads a stream of unknown length', async () => {
    await withServer(app, {}, async ({ origin }) => {
      const run = await curl(['--upload-file', '-', `${origin}/size`], 'hello');
      expect(run.code).to.equal(0);
      expect(run.out).to.equal('chunked 5');
    });
  });

  it('sees that a stream was cut', async () => {
    const handler: Handler = mergeMap(() =>
      concat(
        of('begun'),
        soon('').pipe(
          map((): string => {
            throw new Error('secret');
          }),
        ),
      ),
    );
    await withServer(handler, {}, async ({ origin }) => {
      const chunked = await curl([origin]);
      expect(chunked.out).to.equal('begun');
      expect(chunked.code, 'transfer closed with data remaining').to.equal(18);
      const old = await curl(['--http1.0', origin]);
      expect(old.code, 'connection reset').to.equal(56);
    });
  });
});
