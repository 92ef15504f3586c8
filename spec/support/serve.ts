/**
 * A server for one test or one suite: started on a free port, watched, stopped, and checked to have let go of every
 * connection by itself before it is stopped.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server as NetServer, Socket } from 'node:net';
import { expect } from 'chai';
import { runServer, type Handler, type Server, type ServerOptions } from 'rx-http-kit';
import { RawClient, type Target } from './raw-client.js';

/** What tests read of an item of `events$`. */
export interface SeenEvent {
  readonly type: string;
  readonly error?: { readonly code?: string; readonly status?: number; readonly message: string; readonly cause?: unknown };
}

const SETTLE_MS = 2_500;

/** Counts the sockets that a net server accepts, from outside: Node publishes every one. */
class AcceptedSockets {
  accepted = 0;
  readonly open = new Set<Socket>();
  #wake: (() => void) | undefined;
  readonly #isOurs: (socket: Socket) => boolean;

  constructor(isOurs: (socket: Socket) => boolean) {
    this.#isOurs = isOurs;
    subscribe('net.server.socket', this.#count);
  }

  // A message is what `net` publishes: { socket }.
  readonly #count = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (!this.#isOurs(socket)) return;
    this.accepted++;
    this.open.add(socket);
    socket.once('close', () => {
      this.open.delete(socket);
      this.#wake?.();
    });
  };

  /** Resolves as soon as no more than `most` are open. */
  atMost(most: number, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new Error(`${this.open.size} connections open after ${withinMs} ms, expected ${most}`)),
        withinMs,
      );
      this.#wake = () => {
        if (this.open.size > most) return;
        clearTimeout(deadline);
        this.#wake = undefined;
        resolve();
      };
      this.#wake();
    });
  }

  forget(): void {
    unsubscribe('net.server.socket', this.#count);
  }
}

export class Site {
  readonly server: Server;
  readonly target: Target;
  /** Everything that came out of `events$` so far. */
  readonly events: SeenEvent[] = [];
  readonly #sockets: AcceptedSockets;
  readonly #clients = new Set<RawClient>();
  #connects = 0;
  #stopped: Promise<void> | undefined;

  private constructor(server: Server, target: Target, sockets: AcceptedSockets) {
    this.server = server;
    this.target = target;
    this.#sockets = sockets;
    server.events$.subscribe((event) => this.events.push(event as SeenEvent));
  }

  static async start(handler: Handler | URL, options: Partial<ServerOptions> = {}): Promise<Site> {
    const path = options.path ?? undefined;
    const listening = { port: -1 };
    const sockets = new AcceptedSockets((socket) => {
      if (path === undefined) return socket.localPort === listening.port;
      // `server` is on every accepted socket, but not in the types of node.
      return (socket as Socket & { server?: NetServer }).server?.address() === path;
    });
    try {
      const where = path === undefined ? { ip: '127.0.0.1', port: 0 } : {};
      const server = await runServer(handler, { ...where, ...options });
      listening.port = server.port;
      return new Site(server, path === undefined ? { port: server.port } : { path }, sockets);
    } catch (error) {
      sockets.forget();
      throw error;
    }
  }

  get port(): number {
    return this.server.port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** Connections accepted in all: the disconnect guard of clients that connect by themselves. */
  get accepted(): number {
    return this.#sockets.accepted;
  }

  get open(): number {
    return this.#sockets.open.size;
  }

  /** The codes of all events, in order. */
  get codes(): readonly string[] {
    return this.events.map((event) => event.error?.code ?? event.type);
  }

  /** Events that tell of a fault of ours or of a handler's: what a client alone must never cause. */
  get failures(): readonly string[] {
    return this.events.filter((event) => event.type === 'failure').map(describeEvent);
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.open(this.target);
    this.#connects++;
    this.#clients.add(client);
    client.onClose = () => this.#clients.delete(client);
    return client;
  }

  /** Resolves when the server has let go of all but `most` connections. */
  letGo(most: number = 0): Promise<void> {
    return this.#sockets.atMost(most, SETTLE_MS);
  }

  /** Ends every client, sees that the server lets go of all of them by itself, and stops it. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients) client.abort(); // a FIN alone might be a client that still waits for its answer
    try {
      await this.letGo(0);
      expect(this.accepted, 'connections that the watcher saw').to.be.at.least(this.#connects);
    } finally {
      this.#sockets.forget();
      await this.server.stop({ timeout: 0 });
    }
  }
}

export const describeEvent = (event: SeenEvent): string => `${event.type} ${event.error?.code ?? ''} ${event.error?.message ?? ''}`;

/** Runs `use` against a server of its own; whatever happens, the server is gone afterwards. */
export const withServer = async (
  handler: Handler | URL,
  options: Partial<ServerOptions>,
  use: (site: Site) => Promise<void>,
): Promise<void> => {
  const site = await Site.start(handler, options);
  let failure: unknown;
  try {
    await use(site);
  } catch (error) {
    failure = error;
  }
  try {
    await site.stop();
  } catch (error) {
    failure ??= error; // the first failure is the one that tells
  }
  if (failure !== undefined) throw failure;
};
