/** `listen` without a socket: for pipelines that a user composes instead of `runServer`. */
import { Observable } from 'rxjs';
import type { Connection } from '../server/connection.js';
import { Listening } from '../server/listen.js';
import { optionsFrom } from '../server/options.js';
import type { ServerEvent } from '../server/server-event.js';
import type { RecordedConnection } from './recording.js';
import type { ClientScript, VirtualClient } from './virtual-client.js';
import { VirtualGround } from './virtual-ground.js';
import type { VirtualTime } from './virtual-time.js';
import type { VirtualServerOptions } from './virtual-server.js';

/**
 * `network.listen()` makes it. Every item is a connection that a client of it has opened; subscribing binds, unsubscribing
 * drains, as with `listen`. A client that connects before anybody has subscribed is accepted when somebody has.
 */
export interface VirtualListener extends Observable<Connection> {
  /** Everything that went wrong. */
  readonly events$: Observable<ServerEvent>;
  /** How many connections are open; tells when that changes. */
  readonly connections$: Observable<number>;
  /** A client that connects here, acting as the diagrams say. */
  client(script?: ClientScript): VirtualClient;
  /** The client of a recording, sending what it sent, when it did. */
  replay(recorded: RecordedConnection): VirtualClient;
}

export class MemoryListener extends Observable<Connection> implements VirtualListener {
  readonly events$: Observable<ServerEvent>;
  readonly connections$: Observable<number>;
  /** What has been told of so far, for messages of tests that fail. */
  readonly told: readonly ServerEvent[];
  private readonly ground: VirtualGround;

  constructor(options: VirtualServerOptions, time: VirtualTime) {
    const { writeBuffer, ...serverOptions } = options;
    const checked = optionsFrom({ serverHeader: null, ...serverOptions });
    const ground = new VirtualGround(time, checked.maxConnections, writeBuffer);
    const hooks = { onEvent: (event: ServerEvent) => ground.onEvent(event) };
    super((subscriber) => new Listening(ground, checked, hooks).connections$.subscribe(subscriber));
    this.events$ = ground.events$;
    this.connections$ = ground.connections$;
    this.told = ground.told;
    this.ground = ground;
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
}
