/** Examples as child processes: started on a port of their own, ended by the spec. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface RunningExample {
  readonly url: string;
  readonly pid: number;
  /** Everything printed so far, both ways out. */
  output(): string;
  /** Resolves when `text` has been printed. */
  printed(text: string): Promise<void>;
  /** Resolves when it has ended; SIGKILL if no other signal is given. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

/**
 * Resolves when the example has said where it listens; rejects with all that it said when it ends before. It is killed
 * after 25 seconds in any case.
 */
export function startExample(file: string): Promise<RunningExample> {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25_000,
    killSignal: 'SIGKILL',
  });
  const listeners = new Set<() => void>();
  let output = '';
  const printed = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!output.includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  const stop = async (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return new Promise((resolve, reject) => {
    const hear = (text: string): void => {
      output += text;
      for (const look of listeners) look();
      const url = /listening on (http:\/\/\S+)/.exec(output)?.[1];
      if (url !== undefined) resolve({ url, pid: child.pid as number, output: () => output, printed, stop });
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('exit', (code, signal) => reject(new Error(`${file} ended with ${code ?? signal}\n${output}`)));
    child.once('error', reject);
  });
}
