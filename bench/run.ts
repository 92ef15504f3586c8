/** `npm run bench`: measures the scenarios one after the other, prints their tables, keeps the thorough ones in `results/`. */
import { execFileSync } from 'node:child_process';
import { type BenchOptions, isKept, parseCommandLine, usage } from './command-line.js';
import { type Scenario, runContest } from './contest.js';
import { installPeers } from './install-peers.js';
import { type Machine, describeMachine } from './machine.js';
import { loadCore } from './places.js';
import { formatResult, resultOf, writeResult } from './result.js';
import { scenarios } from './scenarios.js';

/** The scenarios that were asked for, with the servers that were asked for. */
function chosen({ scenarios: names, only }: BenchOptions): Scenario[] {
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`--scenario names ${unknown}, which is none of ${scenarios.map(({ name }) => name).join(', ')}`);
  }
  return scenarios
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .map((scenario) => ({
      ...scenario,
      contenders: scenario.contenders.filter(({ server }) => only.length === 0 || only.includes(server)),
    }))
    .filter(({ contenders }) => contenders.length > 0);
}

async function measure(scenario: Scenario, machine: Machine, options: BenchOptions): Promise<void> {
  const result = resultOf(scenario, await runContest(scenario, options), machine, options);
  console.log(`\n${formatResult(result)}`);
  if (isKept(options)) await writeResult(result);
}

async function main(): Promise<void> {
  const options = parseCommandLine(process.argv.slice(2));
  const todo = chosen(options);
  await installPeers();
  execFileSync('taskset', ['-a', '-p', '-c', loadCore, String(process.pid)], { stdio: 'ignore' });
  const machine = await describeMachine();
  for (const scenario of todo) {
    // One scenario that fails must not cost the others their numbers.
    await measure(scenario, machine, options).catch((error: unknown) => {
      console.error(`\n${scenario.name} failed:`, error);
      process.exitCode = 1;
    });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.error(usage);
  process.exitCode = 1;
});
