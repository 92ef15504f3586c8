/** What a scenario leaves behind: the file in `results/`, and the table that is made of it. */
import { readFile, writeFile, mkdir, readdir } from 'node:fs/promises';
import type { ContestOptions, Samples, Scenario } from './contest.js';
import type { Machine } from './machine.js';
import { resultsFolder } from './places.js';
import { median, pairedRatio, spread } from './statistics.js';

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly quantity: string;
  readonly ratioOf: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly rows: readonly ResultRow[];
}

export interface ResultRow {
  readonly name: string;
  readonly median: number;
  /** Largest less smallest, as a part of the median. */
  readonly spread: number;
  readonly samples: readonly number[];
  readonly ratio?: number;
  /** The target for `ratio`. */
  readonly atMost?: number;
}

export function resultOf(scenario: Scenario, samples: Samples, machine: Machine, options: ContestOptions): Result {
  const { name, title, quantity, ratioOf } = scenario;
  return { name, title, quantity, ratioOf, machine, rounds: options.rounds, seconds: options.seconds, rows: rowsOf(samples) };
}

function rowsOf(samples: Samples): ResultRow[] {
  const byName = new Map(Array.from(samples, ([contender, values]) => [contender.name, values]));
  return Array.from(samples, ([{ name, comparison }, values]) => {
    const row = { name, median: rounded(median(values)), spread: rounded(spread(values)), samples: values.map(rounded) };
    const subject = comparison && byName.get(comparison.subject);
    const base = comparison && byName.get(comparison.base);
    if (subject === undefined || base === undefined) return row;
    return { ...row, ratio: rounded(pairedRatio(subject, base)), atMost: comparison?.atMost };
  });
}

/** Four digits: more than the spread of any benchmark allows to believe. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export async function writeResult(result: Result): Promise<void> {
  await mkdir(resultsFolder, { recursive: true });
  await writeFile(`${resultsFolder}${result.name}.json`, `${JSON.stringify(result, null, 2)}\n`);
}

/** The results there are, by the name of their scenario. */
export async function readResults(): Promise<Map<string, Result>> {
  const files = await readdir(resultsFolder).catch(() => []);
  const results = new Map<string, Result>();
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const result = JSON.parse(await readFile(`${resultsFolder}${file}`, 'utf8')) as Result; // Written by `writeResult`.
    results.set(result.name, result);
  }
  return results;
}

/** A Markdown section: heading, table, and where and when it was measured. */
export function formatResult({ title, quantity, ratioOf, rows, machine, rounds, seconds }: Result): string {
  const heading = ['', quantity, 'spread', ratioOf, 'to reach', 'reached'];
  const lines = rows.map(({ name, median, spread, ratio, atMost }) => [
    name,
    formatQuantity(median),
    `${(spread * 100).toFixed(0)} %`,
    ratio?.toFixed(2) ?? '',
    atMost === undefined ? '' : `≤ ${atMost.toFixed(2)}`,
    atMost === undefined || ratio === undefined ? '' : ratio <= atMost ? 'yes' : 'no',
  ]);
  const table = [heading, ['---', '--:', '--:', '--:', '--:', '---'], ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const source = `${machine.date}, commit ${machine.commit}, Node.js ${machine.node}, ${machine.cpu}, ${rounds} rounds of ${seconds} s`;
  return `### ${title}\n\n${table}\n\n${source}\n`;
}

const formatQuantity = (value: number): string => (value >= 1_000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3));
