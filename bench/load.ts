import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { benchFolder, loadCore } from './places.js';

export interface LoadOptions {
  /** The bytes of one request. */
  readonly text: string;
  readonly connections: number;
  /** How many requests go out in one write. */
  readonly depth: number;
  readonly seconds: number;
}

const execute = promisify(execFile);

/**
 * Lets wrk ask the same thing again and again, as fast as one core can.
 *
 * @returns the number of answers.
 * @throws when one of them is not a success, or a connection failed.
 */
export async function runLoad(port: number, { text, connections, depth, seconds }: LoadOptions): Promise<number> {
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', `${benchFolder}load.lua`];
  const target = [`http://127.0.0.1:${port}/`, '--', text, String(depth)];
  const { stdout } = await execute('taskset', ['-c', loadCore, ...wrk, ...target]);

  const failures = /Non-2xx.*|Socket errors.*/.exec(stdout);
  if (failures !== null) throw new Error(`the load met failures: ${failures[0]}`);
  const answers = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  if (answers === 0) throw new Error(`no request was answered:\n${stdout}`);
  return answers;
}
