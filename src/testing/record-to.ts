/** A server that writes down what its connections say. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { groundFrom } from '../server/listen.js';
import { optionsFrom, type ServerOptions } from '../server/options.js';
import { type Server, startServer } from '../server/run-server.js';
import type { Acceptor, AcceptorListener, ByteStream, Clock } from '../transport/contracts.js';
import type { RecordedBytes } from './recording.js';

/** Writes recordings. */
export interface Recorder {
  /** As `runServer`, on sockets, with every octet of every connection written down. */
  runServer(handler: Handler, options?: Partial<ServerOptions>): Promise<Server>;
}

export interface RecordOptions {
  /** Octets of the file; past it nothing more is written, and one line on the console says so. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

const MAX_BYTES = 67_108_864;

/**
 * A recorder into `file`, which is replaced. One JSON object a line: `{ time, connection, from, bytes }`, {@link RecordedBytes}.
 * It holds all that was said, credentials too. Writes at once, which takes time of the event loop: for a trace, not for a day.
 * Where it cannot write any more, one line on the console says so, and the server serves on.
 *
 * @example `const server = await recordTo('strange-client.ndjson').runServer(handler, { port: 8090 });`
 */
export const recordTo = (file: string, options: RecordOptions = {}): Recorder => {
  knownOptions(options, ['maxBytes']);
  const maxBytes = integerOption('maxBytes', options.maxBytes, MAX_BYTES, 1, Infinity);
  return {
    runServer: async (handler, serverOptions) => {
      const checked = optionsFrom(serverOptions);
      const ground = groundFrom(checked);
      const tape = new Tape(file, maxBytes);
      return new Promise((resolve, reject) => {
        const acceptor = recorded(ground.acceptor, tape, ground.clock);
        startServer(handler, checked, { ...ground, acceptor }, resolve, (error) => {
          tape.close();
          reject(error as Error); // the system's, as runServer's
        });
      });
    },
  };
};

/** A file of lines, written at once, up to a limit. */
class Tape {
  private readonly file: string;
  private readonly descriptor: number;
  private room: number;
  private isClosed: boolean;

  constructor(file: string, maxBytes: number) {
    this.file = file;
    this.descriptor = openSync(file, 'w');
    this.room = maxBytes;
    this.isClosed = false;
  }

  write(line: RecordedBytes): void {
    if (this.isClosed) return;
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    this.room -= bytes.length;
    if (this.room < 0) {
      console.error(`rx-http-kit: ${this.file} is full (maxBytes), recording ends`);
      this.close();
      return;
    }
    try {
      writeSync(this.descriptor, bytes);
    } catch (error) {
      console.error(`rx-http-kit: ${this.file} cannot be written, recording ends: ${messageOf(error)}`); // those who are served are not to blame
      this.close();
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSync(this.descriptor);
  }
}

const recorded = (acceptor: Acceptor, tape: Tape, clock: Clock): Acceptor => {
  let connections = 0;
  const tapped = (listener: AcceptorListener): AcceptorListener => ({
    onListening: (address) => listener.onListening(address),
    onConnection: (stream) => listener.onConnection(new TappedStream(stream, tape, clock, ++connections)),
    onError: (error) => listener.onError(error),
    onRefused: () => listener.onRefused(),
    onClosed: () => {
      tape.close();
      listener.onClosed();
    },
  });
  return { open: (listener) => acceptor.open(tapped(listener)), close: () => acceptor.close() };
};

/** A stream of which every octet is written down. */
class TappedStream implements ByteStream {
  private readonly stream: ByteStream;
  private readonly tape: Tape;
  private readonly clock: Clock;
  private readonly connection: number;
  private readonly start: number;

  constructor(stream: ByteStream, tape: Tape, clock: Clock, connection: number) {
    this.stream = stream;
    this.tape = tape;
    this.clock = clock;
    this.connection = connection;
    this.start = clock.now();
    stream.on('data', (bytes) => this.tell('client', { bytes: bytes.toString('latin1') }));
    stream.pause(); // until the server listens
    stream.on('end', () => this.tell('client', { ends: 'end' }));
    stream.on('error', () => this.tell('client', { ends: 'reset' }));
  }

  get remoteAddress(): string | undefined {
    return this.stream.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.stream.remotePort;
  }

  get localAddress(): string | undefined {
    return this.stream.localAddress;
  }

  get localPort(): number | undefined {
    return this.stream.localPort;
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }

  get writableLength(): number {
    return this.stream.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.stream.writableNeedDrain;
  }

  write(data: string | Uint8Array, encoding?: 'latin1'): boolean {
    this.tell('server', { bytes: typeof data === 'string' ? data : Buffer.from(data).toString('latin1') });
    return typeof data === 'string' ? this.stream.write(data, encoding ?? 'latin1') : this.stream.write(data);
  }

  cork(): void {
    this.stream.cork();
  }

  uncork(): void {
    this.stream.uncork();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  end(): void {
    this.tell('server', { ends: 'end' });
    this.stream.end();
  }

  destroySoon(): void {
    this.tell('server', { ends: 'end' });
    this.stream.destroySoon();
  }

  destroy(): void {
    this.stream.destroy();
  }

  resetAndDestroy(): void {
    this.tell('server', { ends: 'reset' });
    this.stream.resetAndDestroy();
  }

  on(event: 'data' | 'end' | 'drain' | 'close' | 'error', listener: (value: never) => void): void {
    this.stream.on(event as 'data', listener as (bytes: Buffer) => void); // passed on as it came
    if (event === 'data') this.stream.resume();
  }

  private tell(from: RecordedBytes['from'], what: Pick<RecordedBytes, 'bytes' | 'ends'>): void {
    this.tape.write({ time: this.clock.now() - this.start, connection: this.connection, from, ...what });
  }
}
