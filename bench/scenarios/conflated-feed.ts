import { connect, type Socket } from 'node:net';
import type { Contender, Measured, Scenario, ServerName } from '../contest.js';
import { ServerProcess } from '../server-process.js';
import { acceptValue, handshakeText } from '../websocket-frames.js';

const connections = 500;
const path = '/conflated';
const patienceMs = 20_000;
/** Of a fresh process, before its processor time counts. */
const warmUpSeconds = 3;
const contestants: readonly { readonly name: string; readonly server: ServerName }[] = [
  { name: 'ours', server: 'ours' },
  { name: 'ws, tells who keeps up', server: 'ws' },
];
const scene = '50,000 updates a second of 1,000 keys to 500 WebSockets, half of them slow';

/** What a client is told, for each update: sent, waiting or replaced by a newer one of its key. */
export const conflatedFeed: Scenario = {
  name: 'conflated-feed',
  title: `${scene}: processor`,
  quantity: 'CPU µs per update and client',
  ratioOf: 'ours / this',
  lifetime: 'round', // it is never idle: beside another it would take half of its core
  contenders: contendersOf(async (subject, seconds) => {
    await elapse(warmUpSeconds);
    const before = await subject.cpuMicroseconds();
    const from = await subject.count();
    await elapse(seconds);
    return ((await subject.cpuMicroseconds()) - before) / (((await subject.count()) - from) * connections);
  }),
};

/** Above what the process held when all had come: garbage and all, the largest of twenty looks. */
export const conflatedFeedMemory: Scenario = {
  name: 'conflated-feed-memory',
  title: `${scene}: memory`,
  quantity: 'resident MiB above those of the start',
  ratioOf: 'ours / this',
  lifetime: 'round',
  contenders: contendersOf(async (subject, seconds, atStart) => {
    let most = 0;
    for (let look = 0; look < 20; look++) {
      await elapse(seconds / 20);
      most = Math.max(most, subject.residentBytesNow());
    }
    return (most - atStart) / 1_048_576;
  }),
};

function contendersOf(sample: (subject: ServerProcess, seconds: number, atStart: number) => Promise<number>): readonly Contender[] {
  return contestants.map(({ name, server }): Contender => {
    const comparison = server === 'ours' ? undefined : { subject: 'ours', base: name };
    return { name, server, open: () => open(server, sample), comparison };
  });
}

async function open(
  server: ServerName,
  sample: (subject: ServerProcess, seconds: number, atStart: number) => Promise<number>,
): Promise<Measured> {
  const subject = await ServerProcess.start(server, path);
  const clients: PriceClient[] = [];
  const close = async (): Promise<void> => {
    for (const client of clients) client.close();
    await subject.stop();
  };
  try {
    for (let index = 0; index < connections; index++) clients.push(new PriceClient(subject.port, index % 2 === 1));
    await Promise.all(clients.map((client) => client.opened()));
    const atStart = await subject.residentBytes();
    await subject.count(); // prices begin
    return {
      async sample(seconds) {
        const value = await sample(subject, seconds, atStart);
        if (!clients.every(({ hasPrice }) => hasPrice)) throw new Error('a client was told no price');
        return value;
      },
      close,
    };
  } catch (error) {
    await close();
    throw new Error(`${server} does not answer right`, { cause: error });
  }
}

/** A WebSocket that is told of prices, and proves that its first one came. A slow one reads nothing behind that. */
class PriceClient {
  hasPrice = false;
  private readonly socket: Socket;
  private said = '';
  private onOpen: (() => void) | undefined;

  constructor(port: number, isSlow: boolean) {
    const buffer = Buffer.alloc(65_536);
    this.socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer,
        callback: (length) => {
          if (!this.hasPrice) this.look(buffer.toString('latin1', 0, length));
          return !(this.hasPrice && isSlow);
        },
      },
    });
    this.socket.on('error', () => {}); // a price that does not come tells
    this.socket.write(handshakeText(path));
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no WebSocket was opened within ${patienceMs} ms`)), patienceMs);
      this.onOpen = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private look(text: string): void {
    this.said += text;
    if (this.said.includes(acceptValue)) this.onOpen?.();
    this.hasPrice = this.said.includes('"symbol"');
  }
}

const elapse = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
