/** A server for WebSocket specs: its raw clients are ended with it. */
import { expect } from 'chai';
import type { Handler, ServerOptions } from 'rx-http-kit';
import { type ConnectOptions, FrameClient } from './frame-client.js';
import { Site } from './serve.js';

export class FrameSite {
  readonly site: Site;
  readonly #clients = new Set<FrameClient>();

  constructor(site: Site) {
    this.site = site;
  }

  static async start(handler: Handler | URL, options?: Partial<ServerOptions>): Promise<FrameSite> {
    return new FrameSite(await Site.start(handler, options));
  }

  /** Runs `use` against a server of its own; whatever happens, the server is gone afterwards. */
  static async with(handler: Handler | URL, use: (frames: FrameSite) => Promise<void>, options?: Partial<ServerOptions>): Promise<void> {
    const frames = await FrameSite.start(handler, options);
    let failure: unknown;
    try {
      await use(frames);
    } catch (error) {
      failure = error;
    }
    try {
      await frames.stop();
    } catch (error) {
      failure ??= error; // the first failure is the one that tells
    }
    if (failure !== undefined) throw failure;
  }

  async open(options?: ConnectOptions): Promise<FrameClient> {
    return this.#keep(await FrameClient.open(this.site.target, options));
  }

  async dial(): Promise<FrameClient> {
    return this.#keep(await FrameClient.dial(this.site.target));
  }

  /** Ends every client, sees that the server lets go of all of them by itself, and stops it. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.abort();
    await this.site.stop();
  }

  /** What a client alone has caused is none of our faults. */
  expectNoFailures(): void {
    expect(this.site.failures).to.deep.equal([]);
  }

  #keep(client: FrameClient): FrameClient {
    this.#clients.add(client);
    return client;
  }
}
