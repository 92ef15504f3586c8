/**
 * Do the marble tests notice? Applies each fault of `faults.ts` to a copy of the source and runs the marble tests against it.
 *
 * `npm run mutations` runs all; `npm run mutations -- queue` those whose file or sentence has the word. Exits with 1 where
 * fewer than 95 % are caught. A few minutes; no part of `npm test`.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Fault, FAULTS } from './faults.js';

const LEAST_CAUGHT = 0.95;
/** What takes so much longer than the tests without a fault, hangs. */
const PATIENCE = 10;
const LEAST_PATIENCE_MS = 60_000;
const COPIED = ['package.json', 'tsconfig.options.json', 'src', 'build/marble-tests', 'build/spec/support'];
const TRANSPILE = ['node_modules/typescript/bin/tsc', '-p', 'src', '--noCheck', '--composite', 'false', '--incremental', 'false'];
const TEST = [
  'node_modules/mocha/bin/mocha.js',
  '--no-config',
  '--bail',
  '--timeout',
  '0',
  '--reporter',
  'json',
  'build/marble-tests/**/*.marbles.js',
];

interface Outcome {
  /** `null`: killed. */
  readonly code: number | null;
  readonly stdout: string;
}

interface Verdict {
  readonly fault: Fault;
  /** The test that failed, or `hangs`; `null` where none did. */
  readonly caughtBy: string | null;
}

/** A copy of what the marble tests need, to be broken. */
class Workshop {
  private readonly folder: string;
  private readonly patienceMs: number;

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
    this.folder = mkdtempSync(join(tmpdir(), 'rx-http-kit-mutations-'));
    for (const path of COPIED) cpSync(path, join(this.folder, path), { recursive: true });
    symlinkSync(resolve('node_modules'), join(this.folder, 'node_modules'));
  }

  /** @returns The first test that fails, `hangs` where the tests do not end, `null` where all is well. */
  async failure(): Promise<string | null> {
    const transpiled = await this.run(TRANSPILE);
    if (transpiled.code !== 0) throw new Error(`does not compile:\n${transpiled.stdout}`);
    const { code, stdout } = await this.run(TEST);
    if (code === 0) return null;
    if (code === null) return 'hangs';
    try {
      const { failures } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { failures: { fullTitle: string }[] };
      return failures[0].fullTitle;
    } catch {
      return 'ends the process';
    }
  }

  async verdict(fault: Fault): Promise<Verdict> {
    const path = join(this.folder, 'src', fault.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(fault.line, () => fault.becomes),
    );
    try {
      return { fault, caughtBy: await this.failure() };
    } finally {
      writeFileSync(path, text);
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }

  private run(args: readonly string[]): Promise<Outcome> {
    return new Promise((done) => {
      const child = spawn(process.execPath, args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] });
      const pieces: Buffer[] = [];
      const timer = this.patienceMs === Infinity ? undefined : setTimeout(() => child.kill('SIGKILL'), this.patienceMs);
      child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
      child.on('close', (code) => {
        clearTimeout(timer);
        done({ code, stdout: Buffer.concat(pieces).toString() });
      });
    });
  }
}

const row = ({ fault, caughtBy }: Verdict): string =>
  `${caughtBy === null ? 'SURVIVES' : 'caught  '}  ${fault.file.padEnd(32)} ${fault.breaks}${caughtBy === null ? '' : `\n${' '.repeat(43)}by: ${caughtBy}`}`;

const stale = FAULTS.filter(({ file, line }) => readFileSync(join('src', file), 'utf8').split(line).length !== 2);
for (const { file, line } of stale) console.error(`src/${file} does not have exactly once: ${line}`);
if (stale.length > 0) process.exit(1);

const word = process.argv[2] ?? '';
const faults = FAULTS.filter(({ file, breaks }) => file.includes(word) || breaks.includes(word));
if (faults.length === 0) throw new Error(`no fault has the word ${word}`);
const started = Date.now();
const first = new Workshop(Infinity);
const broken = await first.failure().finally(() => first.close());
if (broken !== null) throw new Error(`the marble tests fail without a fault: ${broken}`);
const patienceMs = Math.max(LEAST_PATIENCE_MS, PATIENCE * (Date.now() - started));
const workshops = Array.from({ length: Math.min(4, availableParallelism(), faults.length) }, () => new Workshop(patienceMs));
try {
  const waiting = [...faults];
  const verdicts: Verdict[] = [];
  await Promise.all(
    workshops.map(async (workshop) => {
      for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
        const verdict = await workshop.verdict(fault);
        verdicts.push(verdict);
        console.log(row(verdict));
      }
    }),
  );
  const survivors = verdicts.filter(({ caughtBy }) => caughtBy === null);
  const caught = verdicts.length - survivors.length;
  for (const { fault } of survivors) console.log(`\nSURVIVES: ${fault.breaks}\n  src/${fault.file}\n- ${fault.line}\n+ ${fault.becomes}`);
  console.log(`\n${caught} of ${verdicts.length} faults caught, ${((100 * caught) / verdicts.length).toFixed(1)} %`);
  process.exitCode = caught / verdicts.length >= LEAST_CAUGHT ? 0 : 1;
} finally {
  for (const workshop of workshops) workshop.close();
}
