import { expect } from 'chai';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommand } from './support/run-command.js';

interface Manifest {
  scripts?: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
}
interface Lock {
  packages: Record<string, { hasInstallScript?: boolean; dev?: boolean }>;
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

/** Serves a request to itself with everything typed, and holds wrong programs to be wrong: types that decay to any fail here. */
const PROGRAM = `
import { map, type OperatorFunction } from 'rxjs';
import { runServer, HttpError, type Handler, type HttpRequest, type Reply, type Server } from 'rx-http-kit';

const handler: Handler = map(({ uri }: HttpRequest): Reply => {
  if (uri === '/teapot') throw new HttpError(418, 'short and stout');
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'packed ' + uri };
});
const operator: OperatorFunction<HttpRequest, Reply> = handler;
// @ts-expect-error a handler answers with a Reply, not with a number
const wrong: Handler = map(() => 200);
// @ts-expect-error there is no such option
export const misspelt = () => runServer(handler, { prot: 1 });

const server: Server = await runServer(operator, { port: 0, ip: '127.0.0.1' });
for (const path of ['/hello', '/teapot']) {
  const response = await fetch(\`http://127.0.0.1:\${server.port}\${path}\`);
  console.log(response.status, await response.text());
}
await server.stop({ timeout: 100 });
console.log(typeof wrong);
`;

/** Needs no package that a fresh project has not got: what the entry says in types is rxjs, Node.js and itself. */
const TYPED = `
import { map, pipe } from 'rxjs';
import type { Handler, Middleware } from 'rx-http-kit';
import { compose, cors, cookies, session } from 'rx-http-kit/middleware';

export const around: Middleware = compose(cookies(), cors({ origin: 'https://a.example' }));
export const handler: Handler = pipe(session<{ user: string }>(), map(({ session: { user } }) => user ?? 'nobody'));
// @ts-expect-error a session has no such field
export const wrong: Handler = pipe(session<{ user: string }>(), map(({ session: { usr } }) => usr ?? 'nobody'));
`;

/** Makes all middleware where none of its packages is installed: says what each is missing, and serves with what needs none. */
const WITHOUT_PACKAGES = `
import { map } from 'rxjs';
import { inject } from 'rx-http-kit/testing';
import * as all from 'rx-http-kit/middleware';

const secrets = ['a secret of at least 32 characters'];
const here = new URL('./', import.meta.url);
const made = {
  absoluteRedirects: () => all.absoluteRedirects(),
  accessLog: () => all.accessLog({ to: () => {} }),
  antiForgery: () => all.antiForgery({ strategy: 'cookie', secrets }),
  apiDefaults: () => all.defaults(all.apiDefaults),
  basicAuth: () => all.basicAuth({ users: { ann: 'x' } }),
  bodyLimit: () => all.bodyLimit(10),
  compress: () => all.compress(),
  contentType: () => all.contentType(),
  cookieStore: () => all.cookieStore({ secrets }),
  cookies: () => all.cookies(),
  cors: () => all.cors({ origin: 'https://a.example' }),
  defaultCharset: () => all.defaultCharset(),
  etag: () => all.etag(),
  file: () => all.file(here),
  flash: () => all.flash(),
  forwarded: () => all.forwarded({ trust: ['loopback'] }),
  forwardedRemoteAddr: () => all.forwardedRemoteAddr(),
  forwardedScheme: () => all.forwardedScheme(),
  head: () => all.head(),
  hsts: () => all.hsts(),
  memoryStore: () => all.memoryStore(),
  multipartParams: () => all.multipartParams(),
  nestedParams: () => all.nestedParams(),
  notModified: () => all.notModified(),
  params: () => all.params(),
  rateLimit: () => all.rateLimit({ limit: 1, windowMs: 1 }),
  'rateLimit with a key': () => all.rateLimit({ limit: 1, windowMs: 1, key: () => 'a' }),
  requestId: () => all.requestId(),
  resource: () => all.resource(here),
  session: () => all.session(),
  setCookie: () => all.setCookie('x', 'a', 'b'),
  sslRedirect: () => all.sslRedirect(),
  timeout: () => all.timeout({ firstMs: 1000 }),
  xHeaders: () => all.xHeaders(),
};
const missing = {};
for (const [name, make] of Object.entries(made)) {
  try {
    make();
  } catch (error) {
    missing[name] = error.code + ' ' + error.message;
  }
}
const handler = all.compose(all.requestId(), all.cors(), all.timeout({ firstMs: 1000 }), all.etag())(map(() => 'served'));
const { status, headers, text } = await inject(handler, { uri: '/', headers: { origin: 'https://a.example' } }).collect();
console.log(JSON.stringify({ missing, served: [status, headers['access-control-allow-origin'], text] }));
`;

const needs = (who: string, name: string): string => `RHK_BAD_OPTION option ${who}: needs the package ${name}: npm install ${name}`;

describe('the package', function () {
  this.timeout(60_000);
  let folder: string;
  let files: string[];

  const succeed = async (command: string, args: string[], cwd: string): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(command, args, cwd);
    expect(code, `${command} ${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
    return stdout;
  };

  before('is packed and installed into a fresh project, from the copies that are here already', async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-package-'));
    const [packed] = JSON.parse(await succeed('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], '.')) as {
      filename: string;
      files: { path: string }[];
    }[];
    files = packed.files.map((file) => file.path);
    const project = join(folder, 'project');
    await mkdir(project);
    await writeFile(join(project, 'package.json'), '{ "name": "fresh", "private": true, "type": "module" }');
    await writeFile(join(project, 'program.ts'), PROGRAM);
    await writeFile(join(project, 'typed.ts'), TYPED);
    await writeFile(join(project, 'without-packages.mjs'), WITHOUT_PACKAGES);
    const copies = ['rxjs', 'ws', 'typescript', '@types/node'].map((name) => resolve('node_modules', name));
    await succeed('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed.filename), ...copies], project);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it('holds the built code, its types, the licence, the pages to read and the examples that these link to, and nothing else', () => {
    expect(files).to.include.members([
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'docs/options.md',
      'examples/hello.ts',
      'dist/index.js',
      'dist/index.d.ts',
    ]);
    const strangers = files.filter(
      (path) =>
        !/^(dist\/.+\.(js|js\.map|d\.ts)|docs\/[\w-]+\.(md|txt)|examples\/.+\.(ts|html|css|js|svg)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(
          path,
        ),
    );
    expect(strangers).to.deep.equal([]);
  });

  it('has every file that its exports name', async () => {
    const { exports } = await readJson<Manifest>('package.json');
    const named = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
    expect(files).to.include.members(named.map((path) => path.replace(/^\.\//, '')));
  });

  it('has a command that runs', async () => {
    const project = join(folder, 'project');
    const said = await succeed('npx', ['--no-install', 'rx-http-kit', '--help'], project);
    expect(said).to.include('rx-http-kit ./app.js [options]').and.include('--max-body <bytes>');
  });

  it('asks for a package only where what is made needs it, and says which', async () => {
    const said = await succeed(process.execPath, ['without-packages.mjs'], join(folder, 'project'));
    expect(JSON.parse(said)).to.deep.equal({
      missing: {
        antiForgery: needs('antiForgery', 'cookie'),
        apiDefaults: needs('contentType', 'mime-types'),
        compress: needs('compress', 'negotiator'),
        contentType: needs('contentType', 'mime-types'),
        cookieStore: needs('cookieStore', 'iron-webcrypto'),
        cookies: needs('cookies', 'cookie'),
        file: needs('file', 'mime-types'),
        forwarded: needs('forwarded', 'ipaddr.js'),
        forwardedRemoteAddr: needs('forwardedRemoteAddr', 'ipaddr.js'),
        forwardedScheme: needs('forwardedScheme', 'ipaddr.js'),
        multipartParams: needs('multipartParams', 'busboy'),
        nestedParams: needs('nestedParams', 'qs'),
        rateLimit: needs('rateLimit without a key', 'ipaddr.js'),
        resource: needs('resource', 'mime-types'),
        session: needs('session', 'cookie'),
        setCookie: needs('setCookie', 'cookie'),
      },
      served: [200, '*', 'served'],
    });
  });

  it('carries its sources in its source maps', async () => {
    const installed = join(folder, 'project/node_modules/rx-http-kit');
    const { sourcesContent } = await readJson<{ sourcesContent?: string[] }>(join(installed, 'dist/index.js.map'));
    expect(sourcesContent?.[0]).to.equal(await readFile('src/index.ts', 'utf8'));
  });

  it('runs no script at install, nor does anything that it depends on', async () => {
    const { scripts = {} } = await readJson<Manifest>('package.json');
    expect(scripts).to.not.have.any.keys('preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare');
    const { packages } = await readJson<Lock>('package-lock.json');
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.map(([path]) => path)).to.deep.equal([]);
  });

  for (const [moduleResolution, module] of [
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ]) {
    it(`compiles with types, strictly, and answers requests under moduleResolution ${moduleResolution}`, async () => {
      const project = join(folder, 'project');
      const outDir = `out-${moduleResolution}`;
      const compilerOptions = {
        module,
        moduleResolution,
        outDir,
        target: 'es2022',
        lib: ['es2023'],
        types: ['node'],
        strict: true,
        skipLibCheck: false,
      };
      await writeFile(
        join(project, `tsconfig.${moduleResolution}.json`),
        JSON.stringify({ compilerOptions, files: ['program.ts', 'typed.ts'] }),
      );
      await succeed(process.execPath, ['node_modules/typescript/bin/tsc', '-p', `tsconfig.${moduleResolution}.json`], project);
      const said = await succeed(process.execPath, [`${outDir}/program.js`], project);
      expect(said).to.equal('200 packed /hello\n418 short and stout\nfunction\n');
    });
  }
});
