/** A server without a socket: the engine as it is, on memory and virtual time. */
import { type Observable, ReplaySubject } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import { optionsFrom, type ServerOptions } from '../server/options.js';
import { type Server, type ServerStatus, startServer, type StopOptions } from '../server/run-server.js';
import type { ServerEvent } from '../server/server-event.js';
import type { RecordedConnection } from './recording.js';
import type { ClientScript, VirtualClient } from './virtual-client.js';
import { VirtualGround } from './virtual-ground.js';
import type { VirtualTime } from './virtual-time.js';

/** Options of a server in virtual time: those of any server, and the size of its sockets' write buffers. */
export interface VirtualServerOptions extends Partial<ServerOptions> {
  /** Octets that a client's socket holds until it asks the server to wait. Default 65 536. */
  readonly writeBuffer?: number | undefined;
}

/** A server in virtual time; `network.server()` makes it. */
export interface VirtualServer {
  /** Everything that went wrong, as `Server.events$`; completes once stopped. */
  readonly events$: Observable<ServerEvent>;
  readonly status$: Observable<ServerStatus>;
  /** How many connections are open; tells when that changes. */
  readonly connections$: Observable<number>;
  /** A client of this server, acting as the diagrams say. */
  client(script?: ClientScript): VirtualClient;
  /** The client of a recording, sending what it sent, when it did. */
  replay(recorded: RecordedConnection): VirtualClient;
  /** As `Server.stop`: from the second frame on, as the server is bound in the first. */
  stop(options?: StopOptions): Promise<void>;
}

export class MemoryServer implements VirtualServer {
  readonly events$: Observable<ServerEvent>;
  readonly status$: Observable<ServerStatus>;
  readonly connections$: Observable<number>;
  /** What has been told of so far, for messages of tests that fail. */
  readonly told: readonly ServerEvent[];
  private readonly ground: VirtualGround;
  private server: Server | null;

  constructor(handler: Handler, options: VirtualServerOptions, time: VirtualTime) {
    const { writeBuffer, ...serverOptions } = options;
    const checked = optionsFrom({ serverHeader: null, ...serverOptions });
    const ground = new VirtualGround(time, checked.maxConnections, writeBuffer);
    const statuses = new ReplaySubject<ServerStatus>();
    this.ground = ground;
    this.server = null;
    this.told = ground.told;
    this.events$ = ground.events$;
    this.status$ = statuses.asObservable();
    this.connections$ = ground.connections$;
    const onListening = (server: Server): void => {
      this.server = server;
      server.events$.subscribe({ next: (event) => ground.onEvent(event), complete: () => ground.onStopped() });
      server.status$.subscribe(statuses);
    };
    startServer(handler, checked, ground, onListening, (error) => {
      throw error;
    });
  }

  client(script: ClientScript = {}): VirtualClient {
    return this.ground.client(script);
  }

  replay(recorded: RecordedConnection): VirtualClient {
    return this.ground.replay(recorded);
  }

  abandon(): void {
    this.ground.abandon();
  }

  stop(options?: StopOptions): Promise<void> {
    if (this.server === null) throw new Error('the server is bound at the end of the first frame: stop it later');
    return this.server.stop(options);
  }
}
