import type { Contender, Measured, Scenario, ServerName } from '../contest.js';
import { EventStreamClients } from '../event-stream-clients.js';
import { ServerProcess } from '../server-process.js';

const connections = 2_000;
/** As `peers/answers.mjs` has it. */
const news = 'news '.repeat(24);

const contestants: readonly { readonly name: string; readonly server: ServerName; readonly path: string; readonly atMost?: number }[] = [
  { name: 'ours', server: 'ours', path: '/feed' },
  { name: 'ours, eventStream', server: 'ours', path: '/events' },
  { name: 'node-http', server: 'node-http', path: '/events', atMost: 0.6 },
];

/** Ours by `feed` over a topic, with ids and history; by `eventStream` over a Subject; node-http in a loop over its responses, with one text for all. */
export const sseFanOut: Scenario = {
  name: 'sse-fan-out',
  title: 'one event of 120 bytes to 2,000 clients of server-sent events',
  quantity: 'CPU µs per event and client',
  ratioOf: 'ours / this',
  lifetime: 'contest',
  contenders: contestants.map(({ name, server, path, atMost }): Contender => {
    const comparison = name === 'ours' ? undefined : { subject: 'ours', base: name, atMost };
    return { name, server, open: () => open(server, path), comparison };
  }),
};

async function open(server: ServerName, path: string): Promise<Measured> {
  const subject = await ServerProcess.start(server, path);
  try {
    const clients = await EventStreamClients.connect(subject.port, path, connections);
    await clients.check(`data: ${news}`);
    return {
      async sample(seconds) {
        const before = await subject.cpuMicroseconds();
        const events = await clients.listen(seconds);
        return ((await subject.cpuMicroseconds()) - before) / (events * connections);
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
