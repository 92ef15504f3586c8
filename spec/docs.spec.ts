import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeBlocksOf, moduleFrom, namesOf, type Entry } from './support/code-blocks.js';

const FOLDER = 'build/docs-blocks';

const PAGES = ['README.md', ...readdirSync('docs').filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]; // prettier-ignore

/** Where a name of a block comes from when the block does not say: the first that has it. */
const ENTRIES: readonly Entry[] = [
  { module: 'rx-http-kit', names: namesOf('dist/index.d.ts') },
  { module: 'rx-http-kit/routing', names: namesOf('dist/routing/index.d.ts') },
  { module: 'rx-http-kit/middleware', names: namesOf('dist/middleware/index.d.ts') },
  { module: 'rx-http-kit/interop', names: namesOf('dist/interop/index.d.ts') },
  { module: 'rx-http-kit/testing', names: namesOf('dist/testing/index.d.ts') },
  { module: 'rxjs', names: namesOf('node_modules/rxjs/dist/types/index.d.ts') },
  { module: 'node:crypto', names: new Set(['randomUUID']) },
  { module: 'node:fs', names: new Set(['createReadStream']) },
  { module: 'node:http', names: new Set(['createServer']) },
  { module: 'node:http2', names: new Set(['createSecureServer']) },
];

const TESTING_FIRST: readonly Entry[] = [...ENTRIES].reverse();

const TSCONFIG = {
  extends: '../../tsconfig.options.json',
  compilerOptions: {
    noEmit: true,
    verbatimModuleSyntax: false,
    composite: false,
    declaration: false,
    sourceMap: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    skipLibCheck: true,
    types: ['node', 'mocha'],
  },
  include: ['*.ts', '../../ambient/docs/names.d.ts'],
};

/** As the headings of a page are named in links to them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')); // prettier-ignore

describe('README.md and docs/', () => {
  it('link to files, and to headings, that are there', () => {
    const broken = PAGES.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)]
        .filter(([, path, anchor]) => {
          const target = path === '' ? page : join(dirname(page), path);
          return !existsSync(target) || (anchor !== '' && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor));
        })
        .map(([link]) => `${page}: ${link}`),
    );
    expect(broken).to.deep.equal([]);
  });

  it('have blocks of code that compile against the package', function () {
    this.timeout(60_000);
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    let count = 0;
    for (const page of PAGES) {
      for (const { line, code } of codeBlocksOf(readFileSync(page, 'utf8'))) {
        const isTest = code.includes('marbles(') || page === 'docs/testing.md';
        const file = `${page.replace('/', '-')}-${line}.ts`;
        writeFileSync(`${FOLDER}/${file}`, moduleFrom(code, isTest ? TESTING_FIRST : ENTRIES));
        count++;
      }
    }
    writeFileSync(`${FOLDER}/tsconfig.json`, JSON.stringify(TSCONFIG));
    expect(count).to.be.above(40);
    const { stdout } = spawnSync('node_modules/.bin/tsc', ['-p', FOLDER, '--pretty', 'false'], { encoding: 'utf8' });
    expect(stdout).to.equal('');
  });
});
