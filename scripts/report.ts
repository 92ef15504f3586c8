/**
 * `npm run report` writes the pages that are made from code; `-- --check` only tells which one is stale.
 *
 * Owns: which pages there are. Leaves: their words, to the file of each.
 */
import { ERRORS } from '#src/errors.js';
import { DEFAULTS } from '#src/server/options.js';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { failingTest } from './failing-test.js';
import { apiOf } from './report-api.js';
import { reportBenchmarks } from './report-benchmarks.js';
import { changelogComplaint } from './report-changelog.js';
import { errorsPage } from './report-errors.js';
import { optionWordsModule } from './report-option-words.js';
import { membersOf, optionsPage } from './report-options.js';
import { reportReadme } from './report-readme.js';
import { pageFrom } from './report-testing.js';

const check = process.argv.includes('--check');
const optionMembers = membersOf(readFileSync('src/server/options.ts', 'utf8'), 'ServerOptions');
const pages: readonly (readonly [path: string, render: () => string])[] = [
  ['docs/api.txt', () => apiOf('dist/index.d.ts')],
  ['docs/api-middleware.txt', () => apiOf('dist/middleware/index.d.ts')],
  ['docs/api-interop.txt', () => apiOf('dist/interop/index.d.ts')],
  ['docs/api-routing.txt', () => apiOf('dist/routing/index.d.ts')],
  ['docs/api-testing.txt', () => apiOf('dist/testing/index.d.ts')],
  ['docs/errors.md', () => errorsPage(ERRORS)],
  [
    'docs/testing.md',
    () =>
      pageFrom(readFileSync('scripts/testing.template.md', 'utf8'), {
        read: (path) => readFileSync(path, 'utf8'),
        messages: { failing: failure },
      }),
  ],
  ['docs/options.md', () => optionsPage(optionMembers, { ...DEFAULTS })],
  ['src/command/option-words.ts', () => optionWordsModule(optionMembers)],
];

for (const [path, render] of pages) {
  const fresh = render();
  if (existsSync(path) && readFileSync(path, 'utf8') === fresh) continue;
  if (check) fail(`${path} is stale: npm run report`);
  else writeFileSync(path, fresh);
}
const complaint = changelogComplaint(readFileSync('CHANGELOG.md', 'utf8'), readFileSync('package.json', 'utf8'));
if (complaint !== undefined) fail(complaint);
if (!(await reportBenchmarks({ check }))) fail('docs/benchmarks.md is stale: npm run report');
if (!(await reportReadme({ check }))) fail('README.md is stale: npm run report');

/** What the test that is wrong says. */
function failure(): string {
  try {
    failingTest();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('the failing test passes');
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
