import { expect } from 'chai';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from '../support/run-command.js';

/** One test that passes and one that fails, in words that every runner knows. */
const SAMPLE = `
import { map, mergeMap } from 'rxjs';
import { get, marbles, text, upgrade } from 'rx-http-kit/testing';
import { websocket } from 'rx-http-kit';

describe('prices', () => {
  it('streams them as they come', () => {
    marbles(({ cold, network, expectReply, expectFrames }) => {
      const server = network.server(mergeMap(() => cold('--a-b|')));
      const client = server.client({ sends: ' -r', values: { r: get('/') } });
      expectReply(client).toBe('               ---a-b|');
      const echo = network.server(websocket(map((message) => message)));
      const caller = echo.client({ sends: 'u-t-|', values: { u: upgrade('/'), t: text('hi') } });
      expectFrames(caller).toBe('          --h-|', { h: 'hi' });
    });
  });

  it('is wrong about the second', () => {
    marbles(({ cold, network, expectReply }) => {
      const server = network.server(mergeMap(() => cold('--a-b|')));
      const client = server.client({ sends: ' -r', values: { r: get('/') } });
      expectReply(client).toBe('               ---a--c|');
    });
  });
});
`;

/** Of the expectation that is wrong; the imports stand before the first. */
const WRONG_LINE = SAMPLE.split('\n').findIndex((line) => line.includes('---a--c|')) + 1;

const DIFFERENCE = [
  'expectReply: frames differ',
  'expected  ---a--b|',
  'actual    ---a-c|',
  'a = "a"',
  'b = "c"',
  'c = "b"',
  '- 6 ms b',
  '+ 5 ms c',
];

/** What runs a test file, and how it counts. */
interface Runner {
  readonly imports: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly passed: RegExp;
  readonly failed: RegExp;
  /** Where it is, for one that is not among our own dependencies: without it the test is pending. */
  readonly home?: string | undefined;
}

/** As large as all other dependencies together: `npm install --no-save jest`, or the folder of another one in `JEST_HOME`. */
const JEST_HOME = resolve(process.env['JEST_HOME'] ?? 'node_modules/jest');

const RUNNERS: Readonly<Record<string, Runner>> = {
  'node:test': {
    imports: "import { describe, it } from 'node:test';",
    file: 'node.test.mjs',
    args: ['--test', '--test-reporter=spec', 'node.test.mjs'],
    passed: /pass 1\b/,
    failed: /fail 1\b/,
  },
  vitest: {
    imports: "import { describe, it } from 'vitest';",
    file: 'vitest.test.mjs',
    args: ['node_modules/vitest/vitest.mjs', 'run', '--no-color', '--no-cache', '--pool=threads', '--no-isolate', 'vitest.test.mjs'],
    passed: /1 passed/,
    failed: /1 failed/,
  },
  jest: {
    imports: '',
    file: 'jest.test.mjs',
    args: ['--experimental-vm-modules', join(JEST_HOME, 'bin/jest.js'), '--ci', '--cacheDirectory=cache', 'jest.test.mjs'],
    passed: /1 passed/,
    failed: /1 failed/,
    home: JEST_HOME,
  },
  mocha: {
    imports: '',
    file: 'mocha.test.mjs',
    args: ['node_modules/mocha/bin/mocha.js', '--no-config', 'mocha.test.mjs'],
    passed: /1 passing/,
    failed: /1 failing/,
  },
};

describe('a marble test under', function () {
  this.timeout(60_000);
  let folder: string;

  before('a project that has the kit', async () => {
    folder = await mkdtemp(resolve('build/runners-'));
    await mkdir(`${folder}/node_modules`);
    await symlink(resolve('.'), `${folder}/node_modules/rx-http-kit`);
    for (const name of ['rxjs', 'vitest', 'mocha']) await symlink(resolve('node_modules', name), `${folder}/node_modules/${name}`);
    await writeFile(
      `${folder}/package.json`,
      '{ "name": "sample", "private": true, "type": "module", "jest": { "transform": {}, "testMatch": ["**/jest.test.mjs"] } }',
    );
    await writeFile(`${folder}/vitest.config.mjs`, 'export default { cacheDir: "cache" };');
  });

  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, { imports, file, args, passed, failed, home }] of Object.entries(RUNNERS)) {
    it(`${name} passes, or says how it differs and where`, async function () {
      if (home !== undefined && !existsSync(home)) return this.skip();
      await writeFile(`${folder}/${file}`, imports + SAMPLE);
      const { code, stdout, stderr } = await runCommand(process.execPath, args, folder);
      const said = stdout + stderr;
      expect(said, said).to.match(passed);
      expect(said, said).to.match(failed);
      expect(code, said).to.equal(1);
      for (const line of DIFFERENCE) expect(said, said).to.include(line);
      expect(said, said).to.match(new RegExp(`${file.replaceAll('.', '\\.')}:${WRONG_LINE}\\b`));
    });
  }
});
