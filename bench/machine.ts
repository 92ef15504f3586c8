import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { projectFolder } from './places.js';

/** What a number was measured on. */
export interface Machine {
  /** Short hash; ends in `+` when the sources differ from it. */
  readonly commit: string;
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
}

const execute = promisify(execFile);

export async function describeMachine(): Promise<Machine> {
  return {
    commit: await commitOf(projectFolder),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`,
  };
}

async function commitOf(folder: string): Promise<string> {
  const git = async (...words: string[]): Promise<string> => (await execute('git', words, { cwd: folder })).stdout.trim();
  try {
    const changed = await git('status', '--porcelain', '--', 'src', 'bench/peers', 'bench/package-lock.json');
    return `${await git('rev-parse', '--short=10', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown'; // Not a repository: an unpacked archive.
  }
}
