/** Writes what `bench/results/` holds into the marked block of `docs/benchmarks.md`. */
import { readFile, writeFile } from 'node:fs/promises';
import { projectFolder } from '../bench/places.js';
import { formatResult, readResults } from '../bench/result.js';
import { scenarios } from '../bench/scenarios.js';

const file = `${projectFolder}docs/benchmarks.md`;
const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

/**
 * Brings the block up to date, or with `check` only looks whether it is.
 *
 * @returns `true` when the file says what the results say: after writing always.
 * @throws when the file or its marks are missing.
 */
export async function reportBenchmarks({ check }: { check: boolean }): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`docs/benchmarks.md has no block from ${begin} to ${end}`);

  const updated = `${text.slice(0, from)}${begin}\n\n${await blockText()}\n${text.slice(to)}`;
  if (updated === text) return true;
  if (check) return false;
  await writeFile(file, updated);
  return true;
}

async function blockText(): Promise<string> {
  const results = await readResults();
  const sections = scenarios.flatMap(({ name }) => results.get(name) ?? []).map(formatResult);
  return sections.length === 0 ? 'Nothing measured yet.\n' : sections.join('\n');
}
