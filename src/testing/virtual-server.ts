/** A server without a socket: the engine as it is, on memory and virtual time. */
import { type Observable, ReplaySubject } from 'rxjs';
import type { TestScheduler } from 'rxjs/testing';
import type { Handler } from '../rx/handler.js';
import { optionsFrom, type ServerOptions } from '../server/options.js';
import { type Server, type ServerStatus, startServer, type StopOptions } from '../server/run-server.js';
import type { ServerEvent } from '../server/server-event.js';
import { MemoryAcceptor } from './memory-acceptor.js';
import type { MemoryStream } from './memory-stream.js';
import type { RecordedConnection } from './recording.js';
import { actsFrom, type ClientScript, ScriptedClient, type VirtualClient } from './virtual-client.js';
import type { VirtualClock } from './virtual-clock.js';

/** Where the memory network's end of a connection begins to wait; of the operating system's, which also buffers, it differs by machine. */
const DEFAULT_WRITE_BUFFER = 65_536;

/** Options of a server in virtual time: those of any server, and the size of its sockets' write buffers. */
export interface VirtualServerOptions extends Partial<ServerOptions> {
  /** Octets that a client's socket holds until it asks the server to wait. Default 65 536. */
  readonly writeBuffer?: number | undefined;
}

/** A server in virtual time; `network.server()` makes it. */
export interface VirtualServer {
  /** Everything that went wrong, as `Server.events$`. */
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
  private readonly scheduler: TestScheduler;
  private readonly acceptor: MemoryAcceptor;
  private readonly connections: ReplaySubject<number>;
  private readonly writeBuffer: number;
  private server: Server | null;

  constructor(handler: Handler, options: VirtualServerOptions, scheduler: TestScheduler, clock: VirtualClock) {
    const { writeBuffer, ...serverOptions } = options;
    const events = new ReplaySubject<ServerEvent>();
    const statuses = new ReplaySubject<ServerStatus>();
    const told: ServerEvent[] = [];
    this.scheduler = scheduler;
    this.acceptor = new MemoryAcceptor(clock);
    this.connections = new ReplaySubject();
    this.writeBuffer = writeBuffer ?? DEFAULT_WRITE_BUFFER;
    this.server = null;
    this.told = told;
    this.events$ = events.asObservable();
    this.status$ = statuses.asObservable();
    this.connections$ = this.connections.asObservable();
    const onListening = (server: Server): void => {
      this.server = server;
      server.events$.subscribe((event) => {
        told.push(event);
        events.next(event);
      });
      server.status$.subscribe(statuses);
    };
    const ground = { acceptor: this.acceptor, clock };
    startServer(handler, optionsFrom({ serverHeader: null, ...serverOptions }), ground, onListening, (error) => {
      throw error;
    });
  }

  client(script: ClientScript = {}): VirtualClient {
    return new ScriptedClient(script, actsFrom(script), this.scheduler, () => this.connect(script));
  }

  replay({ sent }: RecordedConnection): VirtualClient {
    const acts = sent.map(({ time, bytes }) => ({
      frame: time,
      does: (client: ScriptedClient) => {
        if (bytes === 'end') client.end();
        else if (bytes === 'reset') client.reset();
        else client.send(bytes);
      },
    }));
    return new ScriptedClient({ isPolite: false }, acts, this.scheduler, () => this.connect({}));
  }

  stop(options?: StopOptions): Promise<void> {
    if (this.server === null) throw new Error('the server is bound at the end of the first frame: stop it later');
    return this.server.stop(options);
  }

  private connect({ reads, remoteAddr }: ClientScript): MemoryStream {
    const stream = this.acceptor.connect({
      highWaterMark: this.writeBuffer,
      ...(reads === undefined ? {} : { credit: 0 }),
      ...(remoteAddr === undefined ? {} : { remoteAddress: remoteAddr }),
    });
    this.connections.next(this.acceptor.streams.size);
    stream.on('close', () => this.connections.next(this.acceptor.streams.size));
    return stream;
  }
}
