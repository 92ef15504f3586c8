/** Threads for one suite, and a server before them, checked to hold nothing when a test is over. */
import { expect } from 'chai';
import { inWorkers, type Handler, type InWorkersOptions, type ServerOptions, type WorkersHandler } from 'rx-http-kit';
import { FrameSite } from './frame-site.js';
import { until } from './raw-client.js';
import type { Site } from './serve.js';

export class Crew {
  readonly workers: WorkersHandler;
  readonly frames: FrameSite;
  /** What became of threads. */
  readonly failures: Error[];

  private constructor(workers: WorkersHandler, frames: FrameSite) {
    this.workers = workers;
    this.frames = frames;
    this.failures = [];
    workers.failures$.subscribe((error) => this.failures.push(error));
  }

  /** @param around - Makes the server's handler of the one that the threads compute. */
  static async start(
    module: URL,
    options: InWorkersOptions = {},
    serverOptions: Partial<ServerOptions> = {},
    around: (handler: Handler) => Handler = (handler) => handler,
  ): Promise<Crew> {
    const workers = inWorkers(module, options);
    await workers.started;
    return new Crew(workers, await FrameSite.start(around(workers), serverOptions));
  }

  get site(): Site {
    return this.frames.site;
  }

  /** Status and text of one reply. */
  async ask(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`${this.site.origin}${path}`, { ...init, headers: { connection: 'close', ...init.headers } });
    return `${response.status} ${await response.text()}`;
  }

  /** Neither here nor in the threads is anything left of an exchange: theirs is gone before ours is. */
  async idle(): Promise<void> {
    await until('the threads hold nothing', () => this.workers.load.open === 0 && this.workers.load.waiting === 0);
  }

  async stop(): Promise<void> {
    try {
      await this.frames.stop();
      await this.idle();
    } finally {
      await this.workers.stop();
    }
    expect(this.workers.load).to.deep.equal({ threads: 0, waiting: 0, busy: 0, open: 0 });
  }
}
