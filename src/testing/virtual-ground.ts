/** Memory and virtual time for one server to stand on, and its clients' way to it. */
import { type Observable, ReplaySubject } from 'rxjs';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { Ground } from '../server/listen.js';
import type { ServerEvent } from '../server/server-event.js';
import { MemoryAcceptor } from './memory-acceptor.js';
import type { MemoryStream } from './memory-stream.js';
import type { RecordedConnection } from './recording.js';
import { actsFrom, type ClientScript, ScriptedClient, type VirtualClient } from './virtual-client.js';
import type { VirtualClock } from './virtual-clock.js';
import type { VirtualTime } from './virtual-time.js';

/** Where the memory network's end of a connection begins to wait; of the operating system's, which also buffers, it differs by machine. */
const DEFAULT_WRITE_BUFFER = 65_536;

const SCRIPT = ['connects', 'sends', 'values', 'reads', 'vanishes', 'isPolite', 'remoteAddr'];

export class VirtualGround implements Ground {
  readonly acceptor: MemoryAcceptor;
  readonly clock: VirtualClock;
  readonly events$: Observable<ServerEvent>;
  /** How many connections are open; tells when that changes. */
  readonly connections$: Observable<number>;
  /** What has been told of so far, for messages of tests that fail. */
  readonly told: ServerEvent[];
  private readonly time: VirtualTime;
  private readonly events: ReplaySubject<ServerEvent>;
  private readonly connections: ReplaySubject<number>;
  private readonly writeBuffer: number;

  constructor(time: VirtualTime, maxConnections: number, writeBuffer: number | undefined) {
    this.acceptor = new MemoryAcceptor(time.clock, undefined, maxConnections);
    this.clock = time.clock;
    this.told = [];
    this.time = time;
    this.events = new ReplaySubject();
    this.connections = new ReplaySubject();
    this.events$ = this.events.asObservable();
    this.connections$ = this.connections.asObservable();
    this.writeBuffer = integerOption('writeBuffer', writeBuffer, DEFAULT_WRITE_BUFFER, 1, Infinity);
  }

  onEvent(event: ServerEvent): void {
    this.told.push(event);
    this.events.next(event);
  }

  onStopped(): void {
    this.events.complete();
  }

  /** @throws {@link OptionError} for what no client does. */
  client(script: ClientScript): VirtualClient {
    knownOptions(script, SCRIPT);
    return new ScriptedClient(script, actsFrom(script), this.time, () => this.connect(script));
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
    return new ScriptedClient({ isPolite: false }, acts, this.time, () => this.connect({}));
  }

  /** The test is over: every client goes. */
  abandon(): void {
    for (const stream of [...this.acceptor.streams]) stream.client.reset();
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
