/** The command line as a process of its own, from its first word to its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE_MS = 20_000;

export class RunningCommand {
  readonly child: ChildProcess;
  /** All that was printed, both ways out. */
  output: string;
  private readonly listeners: Set<() => void>;
  private isOver: boolean;

  constructor(words: readonly string[], cwd: string = '.') {
    const cli = new URL('../../../dist/cli.js', import.meta.url).pathname;
    const env = { ...process.env, RX_HTTP_KIT_PROCESSES: undefined };
    this.child = spawn(process.execPath, [cli, ...words], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.output = '';
    this.listeners = new Set();
    this.isOver = false;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const look of this.listeners) look();
      });
    }
    this.child.once('close', () => {
      this.isOver = true;
      for (const look of this.listeners) look();
    });
  }

  /** What a pattern finds in the output, as soon as it does; behind what was there `from` an earlier moment. */
  printed(pattern: RegExp, from: number = 0): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
        end();
      };
      const look = (): void => {
        const found = pattern.exec(this.output.slice(from));
        if (found !== null) settle(() => resolve(found));
        else if (this.isOver) settle(() => reject(new Error(`it ended without ${String(pattern)}\n${this.output}`)));
      };
      const timer = setTimeout(() => settle(() => reject(new Error(`no ${String(pattern)} yet\n${this.output}`))), PATIENCE_MS);
      this.listeners.add(look);
      look();
    });
  }

  /** Where it listens. */
  async listening(): Promise<string> {
    return (await this.printed(/listens on (http:\/\/[^\s]+)/))[1].replace('0.0.0.0', '127.0.0.1');
  }

  /** Resolves with its exit code when it and its output have ended. */
  async exit(): Promise<number | string | null> {
    if (!this.isOver) await once(this.child, 'close');
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** For the end of a test, whatever came of it: processes below it end with it. */
  async destroy(): Promise<void> {
    if (this.isOver) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}

/** Whether there is a process of that id. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
