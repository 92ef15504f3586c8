import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ServerName } from './contest.js';
import { benchFolder, serverCore } from './places.js';

/** How long a server may take to start, or to answer a question, in milliseconds. */
const patienceMs = 30_000;

/** A server under test in a process of its own, on a core of its own. Whoever starts it stops it; it dies with this process. */
export class ServerProcess {
  readonly port: number;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  /**
   * @param cores - Which it may use, as taskset has them.
   * @returns once the server listens.
   */
  static async start(server: ServerName, path: string, cores: string = serverCore): Promise<ServerProcess> {
    const port = await freePort();
    const child = fork(`${benchFolder}peers/host.mjs`, [server, String(port), path], {
      execPath: 'taskset',
      execArgv: ['-c', cores, process.execPath, '--expose-gc'],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started = new ServerProcess(child, port);
    await started.nextAnswer(`${server} did not start`).catch(async (error: unknown) => {
      await started.stop();
      throw error;
    });
    return started;
  }

  /** User and system time of all threads since the start, in µs. */
  cpuMicroseconds(): Promise<number> {
    return this.ask('cpu');
  }

  /** Resident memory after full collections, in bytes. */
  residentBytes(): Promise<number> {
    return this.ask('memory');
  }

  /** Resident memory of this moment, garbage and all, in bytes. */
  residentBytesNow(): number {
    const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1];
    return Number(kibibytes) * 1_024;
  }

  /** What the server counts by itself, see `peers/answers.mjs`. */
  count(): Promise<number> {
    return this.ask('count');
  }

  /** How many times the process has called read(2), for which Node.js goes once for each arrival on a socket. */
  reads(): number {
    const counters = readFileSync(`/proc/${this.child.pid}/io`, 'utf8');
    return Number(/^syscr: (\d+)$/m.exec(counters)?.[1]);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private async ask(question: 'cpu' | 'memory' | 'count'): Promise<number> {
    const answered = this.nextAnswer(`no answer to ${question}`);
    this.child.send(question);
    return Number(await answered);
  }

  private nextAnswer(complaint: string): Promise<unknown> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        child.off('message', answered).off('exit', exited);
        end();
      };
      const answered = (answer: unknown): void => settle(() => resolve(answer));
      const exited = (code: number | null): void => settle(() => reject(new Error(`${complaint}: its process ended with ${code}`)));
      const timer = setTimeout(() => settle(() => reject(new Error(`${complaint} within ${patienceMs} ms`))), patienceMs);
      child.on('message', answered).on('exit', exited);
    });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
