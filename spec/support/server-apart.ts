/** A server in a process of its own, whose memory is nobody else's: the side of the spec. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/**
 * The young generation of V8 grows to 32 MiB on Node.js 20 and to 128 MiB on 24, whatever lives in it: most of what would be measured
 * would be that. `gc` is for `serveApart`.
 */
const V8_FLAGS = ['--max-semi-space-size=4', '--expose-gc'];
/** How long a process may take to start, or to answer, in milliseconds. */
const PATIENCE_MS = 30_000;

export class ServerApart {
  /** Of 127.0.0.1; -1 where it listens on a Unix socket. */
  readonly port: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  /** @param module - Calls `serveApart`. It ends with this process, if `stop` does not come before. */
  static async start(module: URL, ...args: readonly string[]): Promise<ServerApart> {
    const child = fork(module, args, { execArgv: V8_FLAGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    try {
      return new ServerApart(child, await answerOf(child, 'no server'));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** One question at a time. */
  ask(question: string): Promise<number> {
    const answer = answerOf(this.child, `no answer to ${question}`);
    this.child.send(question);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

const answerOf = (child: ChildProcess, complaint: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      clearTimeout(deadline);
      child.off('message', onMessage).off('exit', onExit);
      end();
    };
    const onMessage = (answer: unknown): void => settle(() => resolve(Number(answer)));
    const onExit = (code: number | null): void => settle(() => reject(new Error(`${complaint}: the process ended with ${code}`)));
    const deadline = setTimeout(() => settle(() => reject(new Error(`${complaint} within ${PATIENCE_MS} ms`))), PATIENCE_MS);
    child.on('message', onMessage).on('exit', onExit);
  });
