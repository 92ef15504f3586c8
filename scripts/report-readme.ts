/** The one table of `README.md` that is made of what `bench/results/` holds: where we stand beside others, better or worse. */
import { readFile, writeFile } from 'node:fs/promises';
import { projectFolder } from '../bench/places.js';
import { readResults, type Result } from '../bench/result.js';

const file = `${projectFolder}README.md`;
const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

const RIVALS: readonly (readonly [row: string, shown: string])[] = [
  ['node-http', 'node:http'],
  ['fastify', 'Fastify'],
  ['hono', 'Hono'],
  ['ws', 'ws'],
  ['uwebsockets', 'µWebSockets.js'],
];

const SCENES: readonly (readonly [scenario: string, shown: string])[] = [
  ['hello', 'hello, keep-alive'],
  ['post-json', 'POST of 1 KiB of JSON'],
  ['routes', 'one of 50 routes, JSON reply'],
  ['readable-body', '10 MiB from a Readable'],
  ['idle-memory', 'memory of an idle connection'],
  ['websocket-echo', 'WebSocket echo'],
  ['websocket-burst', 'WebSocket echo, eight in flight'],
  ['websocket-fan-out', 'a message to 2,000 WebSockets'],
  ['sse-fan-out', 'an event to 2,000 clients'],
  ['websocket-idle-memory', 'memory of an idle WebSocket'],
];

/**
 * Brings the table up to date, or with `check` only looks whether it is.
 *
 * @returns `true` when the file says what the results say: after writing always.
 * @throws when the file has no marks.
 */
export async function reportReadme({ check }: { check: boolean }): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  const updated = readmeWith(text, await readResults());
  if (updated === text) return true;
  if (check) return false;
  await writeFile(file, updated);
  return true;
}

/** @throws when the text has no marks. */
export function readmeWith(text: string, results: ReadonlyMap<string, Result>): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md has no block from ${begin} to ${end}`);
  return `${text.slice(0, from)}${begin}\n\n${tableOf(results)}\n\n${text.slice(to)}`;
}

function tableOf(results: ReadonlyMap<string, Result>): string {
  const head = ['| ours / theirs', ...RIVALS.map(([, shown]) => shown)].join(' | ');
  const rows = SCENES.flatMap(([scenario, shown]) => {
    const result = results.get(scenario);
    if (result === undefined) return [];
    const cells = RIVALS.map(([name]) => result.rows.find((row) => row.name === name)?.ratio?.toFixed(2) ?? '');
    return [`| ${[shown, ...cells].join(' | ')} |`];
  });
  return [`${head} |`, `| ---${' | --:'.repeat(RIVALS.length)} |`, ...rows].join('\n');
}
