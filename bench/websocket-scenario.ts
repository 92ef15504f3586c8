import type { Contender, Measured, Scenario, ServerName } from './contest.js';
import { ServerProcess } from './server-process.js';
import { WebSocketClients } from './websocket-clients.js';
import { clientFrame, serverFrame } from './websocket-frames.js';

export interface WebSocketScenario {
  readonly name: string;
  readonly title: string;
  readonly quantity: string;
  readonly path: string;
  /** In the order in which they are measured; `ours` is the first. */
  readonly servers: readonly ServerName[];
  /** The largest ratio ours / server that is good enough. */
  readonly targets: Readonly<Partial<Record<ServerName, number>>>;
  readonly connections: number;
  /** What each message says: ASCII. */
  readonly text: string;
  /** How many messages a client sends in one write before it waits for all answers. */
  readonly depth: number;
  /** `itself`: every client is answered what it says. `all`: the first one speaks, and all are told. */
  readonly receivers: 'itself' | 'all';
}

/** Every server gets the same frames; what counts is the CPU time of its process for each frame that it has to send. */
export function webSocketScenario(options: WebSocketScenario): Scenario {
  return {
    name: options.name,
    title: options.title,
    quantity: options.quantity,
    ratioOf: 'ours / this',
    lifetime: 'contest',
    contenders: options.servers.map((server): Contender => {
      const comparison = server === 'ours' ? undefined : { subject: 'ours', base: server, atMost: options.targets[server] };
      return { name: server, server, open: () => open(server, options), comparison };
    }),
  };
}

async function open(server: ServerName, { path, connections, text, depth, receivers }: WebSocketScenario): Promise<Measured> {
  const subject = await ServerProcess.start(server, path);
  const frames = repeated(clientFrame(text), depth);
  const answer = repeated(serverFrame(text), depth);
  try {
    const clients = await WebSocketClients.connect(subject.port, path, connections);
    await clients.check(frames, answer, receivers);
    return {
      async sample(seconds) {
        const before = await subject.cpuMicroseconds();
        const sent =
          receivers === 'all'
            ? (await clients.fanOut(frames, answer.length, seconds)) * connections
            : await clients.echo(frames, answer.length, seconds);
        return ((await subject.cpuMicroseconds()) - before) / (sent * depth);
      },
      async close() {
        await clients.close();
        await subject.stop();
      },
    };
  } catch (error) {
    await subject.stop();
    throw new Error(`${server} does not answer right`, { cause: error });
  }
}

const repeated = (frame: Buffer, count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => frame));
