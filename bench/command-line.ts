import { parseArgs } from 'node:util';
import { type ContestOptions, type ServerName, serverNames } from './contest.js';

export interface BenchOptions extends ContestOptions {
  /** Names of scenarios; all when empty. */
  readonly scenarios: readonly string[];
  /** Servers that take part; all when empty. */
  readonly only: readonly ServerName[];
}

export const usage = `npm run bench -- [--rounds 5] [--seconds 3] [--scenario hello,post-json] [--only ours,node-http]

A run of all servers with 5 rounds or more of 3 seconds or more writes bench/results/; any other only prints.`;

/** Whether a run is thorough enough to be kept. */
export const isKept = ({ rounds, seconds, only }: BenchOptions): boolean => rounds >= 5 && seconds >= 3 && only.length === 0;

/** @throws an Error whose message is for whoever typed the words. */
export function parseCommandLine(words: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      scenario: { type: 'string', default: '' },
      only: { type: 'string', default: '' },
    },
  });
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    scenarios: listOf(values.scenario),
    only: listOf(values.only).map(serverNameOf),
  };
}

const listOf = (text: string): string[] => text.split(',').filter((word) => word !== '');

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is ${text}, not a whole number from 1 on`);
  return value;
}

function serverNameOf(text: string): ServerName {
  const found = serverNames.find((name) => name === text);
  if (found === undefined) throw new Error(`--only names ${text}, which is none of ${serverNames.join(', ')}`);
  return found;
}
