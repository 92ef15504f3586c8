import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How long a server may take to open a stream, or to tell all of an event, in milliseconds. */
const patienceMs = 30_000;
const sharedBuffer = Buffer.alloc(65_536);
/** The end of an event, and of the chunk that it came in. */
const eventEnd = Buffer.from('\n\n\r\n');

/**
 * Clients of a `text/event-stream` over bare sockets, and one more connection that asks for the next event. Of what comes only the
 * end is looked at: one event is on its way at a time, and each comes as one chunk.
 */
export class EventStreamClients {
  private readonly sockets: Socket[];
  private readonly teller: Socket;
  private onEvent: (bytes: Buffer) => void;
  private onLost: (error: Error) => void;

  private constructor(teller: Socket) {
    this.sockets = [];
    this.teller = teller;
    this.onEvent = () => {};
    this.onLost = () => {};
  }

  /** Resolves when all streams have begun. Events are asked for at `/tell`. */
  static async connect(port: number, path: string, count: number): Promise<EventStreamClients> {
    const teller = connect(port, '127.0.0.1').setNoDelay(true).resume();
    await once(teller, 'connect');
    const clients = new EventStreamClients(teller);
    const atOnce = 200; // Below any backlog.
    while (clients.sockets.length < count) {
      const length = Math.min(atOnce, count - clients.sockets.length);
      await Promise.all(Array.from({ length }, () => clients.open(port, path)));
    }
    return clients;
  }

  /** @throws when one event does not bring `expected` to all, in one chunk. */
  async check(expected: string): Promise<void> {
    await this.tellAll((bytes) => {
      const said = bytes.toString('latin1');
      if (!said.endsWith(`${expected}\n\n\r\n`)) throw new Error(`the server said ${said} instead of ${expected}`);
    });
  }

  /** One event after the other, each when all have the one before. @returns how many. */
  async listen(seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1_000;
    let events = 0;
    do {
      await this.tellAll(() => {});
      events++;
    } while (performance.now() < end);
    return events;
  }

  /** By a reset, which leaves no port in TIME_WAIT. */
  async close(): Promise<void> {
    this.onLost = () => {};
    await Promise.all([this.teller, ...this.sockets].filter(({ destroyed }) => !destroyed).map(async (socket) => {
      const closed = once(socket, 'close');
      socket.resetAndDestroy();
      await closed;
    })); // prettier-ignore
  }

  private tellAll(look: (bytes: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let told = 0;
      const timer = setTimeout(() => reject(new Error(`${told} clients were told within ${patienceMs} ms`)), patienceMs);
      this.onLost = reject;
      this.onEvent = (bytes) => {
        look(bytes);
        if (!isWhole(bytes) || ++told < this.sockets.length) return;
        clearTimeout(timer);
        resolve();
      };
      this.teller.write('GET /tell HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    });
  }

  private open(port: number, path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let head = '';
      let hasBegun = false;
      const take = (bytes: Buffer): void => {
        if (hasBegun) return this.onEvent(bytes);
        head += bytes.toString('latin1');
        if (!isWhole(bytes)) return; // the first event tells each where it stands
        if (!head.startsWith('HTTP/1.1 200 ') || !/\r\ntransfer-encoding: chunked\r\n/i.test(head)) reject(new Error(`no stream was opened: ${head}`)); // prettier-ignore
        hasBegun = true;
        resolve();
      };
      const socket = connect({
        port,
        host: '127.0.0.1',
        onread: {
          buffer: sharedBuffer,
          callback: (length, buffer) => {
            take((buffer as Buffer).subarray(0, length)); // `sharedBuffer`
            return true;
          },
        },
      });
      socket.on('error', (error) => this.onLost(error));
      socket.on('close', () => this.onLost(new Error('the server has closed a stream')));
      socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`);
      this.sockets.push(socket);
    });
  }
}

const isWhole = (bytes: Buffer): boolean => bytes.length >= eventEnd.length && bytes.subarray(-eventEnd.length).equals(eventEnd);
