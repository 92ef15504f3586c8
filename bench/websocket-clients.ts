import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { acceptValue, handshakeText } from './websocket-frames.js';

/** How long a server may take to open a WebSocket, or to give an answer that is checked, in milliseconds. */
const patienceMs = 10_000;

/** Sockets that read at a time into the same memory: a callback is done with it before the next one is called. */
const sharedBuffer = Buffer.alloc(65_536);

/**
 * WebSockets over bare sockets. They cost next to nothing, so that one core keeps a server busy: frames are written as they were
 * made before, and of what comes only the bytes are counted. That they are the right ones is proved before, by `check`.
 */
export class WebSocketClients {
  private readonly clients: readonly RawClient[];

  private constructor(clients: readonly RawClient[]) {
    this.clients = clients;
  }

  static async connect(port: number, path: string, count: number): Promise<WebSocketClients> {
    const clients: RawClient[] = [];
    const atOnce = 256; // Below any backlog.
    while (clients.length < count) {
      const more = Array.from({ length: Math.min(atOnce, count - clients.length) }, () => new RawClient(port));
      clients.push(...more);
      await Promise.all(more.map((client) => client.open(path)));
    }
    return new WebSocketClients(clients);
  }

  /** @throws when `sent` by the first client does not bring exactly `expected` to all of `receivers`. */
  async check(sent: Buffer, expected: Buffer, receivers: 'itself' | 'all'): Promise<void> {
    const heard = (receivers === 'all' ? this.clients : this.clients.slice(0, 1)).map((client) => client.receive(expected.length));
    this.clients[0].write(sent);
    for (const bytes of await Promise.all(heard)) {
      if (!bytes.equals(expected)) throw new Error(`the server said ${bytes.toString('latin1')} instead of ${expected.toString('latin1')}`);
    }
  }

  /**
   * Every client sends `frames` in one write, waits for `answerLength` bytes, and begins again.
   *
   * @returns how often that was done, by all together.
   */
  async echo(frames: Buffer, answerLength: number, seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1_000;
    const rounds = await Promise.all(this.clients.map((client) => client.echo(frames, answerLength, end)));
    return rounds.reduce((sum, count) => sum + count, 0);
  }

  /**
   * The first client sends `frame`; when each has received `answerLength` bytes on average, again.
   *
   * @returns how often that was done.
   */
  async fanOut(frame: Buffer, answerLength: number, seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1_000;
    const all = answerLength * this.clients.length;
    let rounds = 0;
    do {
      await this.broadcast(frame, all);
      rounds++;
    } while (performance.now() < end);
    return rounds;
  }

  /** By a reset, which leaves no port in TIME_WAIT. */
  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private broadcast(frame: Buffer, awaited: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let received = 0;
      const count = (bytes: Buffer): void => {
        received += bytes.length;
        if (received === awaited) resolve();
        if (received > awaited) reject(new Error(`${received} bytes came, and ${awaited} were due`));
      };
      for (const client of this.clients) client.listen(count, reject);
      this.clients[0].write(frame);
    });
  }
}

class RawClient {
  private readonly socket: Socket;
  private onBytes: (bytes: Buffer) => void;
  private onLost: (error: Error) => void;

  constructor(port: number) {
    this.onBytes = () => {};
    this.onLost = () => {};
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: sharedBuffer,
        callback: (length, buffer) => {
          this.onBytes((buffer as Buffer).subarray(0, length)); // `sharedBuffer`
          return true;
        },
      },
    });
    this.socket.on('error', (error) => this.onLost(error));
    this.socket.on('close', () => this.onLost(new Error('the server has closed a WebSocket')));
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  listen(onBytes: (bytes: Buffer) => void, onLost: (error: Error) => void): void {
    this.onBytes = onBytes;
    this.onLost = onLost;
  }

  async open(path: string): Promise<void> {
    this.socket.write(handshakeText(path));
    const head = (await this.collect((bytes) => bytes.includes('\r\n\r\n'), 'no answer to a handshake')).toString('latin1');
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(acceptValue)) throw new Error(`no WebSocket was opened: ${head}`);
  }

  receive(length: number): Promise<Buffer> {
    return this.collect((bytes) => bytes.length >= length, `fewer than ${length} bytes came`);
  }

  echo(frames: Buffer, answerLength: number, end: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let rounds = 0;
      let missing = answerLength;
      this.listen((bytes) => {
        missing -= bytes.length;
        if (missing > 0) return;
        if (missing < 0) return reject(new Error('more came back than was sent'));
        rounds++;
        if (performance.now() >= end) return resolve(rounds);
        missing = answerLength;
        this.socket.write(frames);
      }, reject);
      this.socket.write(frames);
    });
  }

  async close(): Promise<void> {
    this.onLost = () => {};
    if (this.socket.destroyed) return;
    const closed = once(this.socket, 'close');
    this.socket.resetAndDestroy();
    await closed;
  }

  private collect(isEnough: (bytes: Buffer) => boolean, complaint: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${complaint} within ${patienceMs} ms`)), patienceMs);
      let received = Buffer.alloc(0);
      this.listen((bytes) => {
        received = Buffer.concat([received, bytes]);
        if (!isEnough(received)) return;
        clearTimeout(timer);
        resolve(received);
      }, reject);
    });
  }
}
