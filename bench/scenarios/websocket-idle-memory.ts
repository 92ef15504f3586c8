import type { Contender, Measured, Scenario, ServerName } from '../contest.js';
import { IdleConnections } from '../idle-connections.js';
import { ServerProcess } from '../server-process.js';
import { acceptValue, clientFrame, handshakeText, serverFrame } from '../websocket-frames.js';

const connections = 19_000;
const path = '/echo';
const text = 'a message of thirty-two letters!';

/** What a client says before it falls silent: the handshake alone, or one message behind it. */
const silences = [
  { suffix: '', said: handshakeText(path), answerEnd: '\r\n\r\n' },
  {
    suffix: ', after one message',
    said: handshakeText(path) + clientFrame(text).toString('latin1'),
    answerEnd: serverFrame(text).toString('latin1'),
  },
] as const;

type Silence = (typeof silences)[number];

/** uWebSockets for scale, and without a message: it loses one that comes in the same packet as the handshake. */
const contestants = silences.flatMap((silence) =>
  (silence.suffix === '' ? (['ours', 'ws', 'uwebsockets'] as const) : (['ours', 'ws'] as const)).map((server) => ({ server, silence })),
);

/** Memory that was once resident is rarely given back, therefore a fresh process for every sample. */
export const webSocketIdleMemory: Scenario = {
  name: 'websocket-idle-memory',
  title: 'memory per idle WebSocket (19,000 of them)',
  quantity: 'resident bytes per connection',
  ratioOf: 'ours / this',
  lifetime: 'round',
  contenders: contestants.map(({ server, silence }): Contender => {
    const atMost = server === 'ws' ? 0.8 : undefined;
    const comparison = server === 'ours' ? undefined : { subject: `ours${silence.suffix}`, base: `${server}${silence.suffix}`, atMost };
    return { name: `${server}${silence.suffix}`, server, open: () => open(server, silence), comparison };
  }),
};

async function open(server: ServerName, { said, answerEnd }: Silence): Promise<Measured> {
  const subject = await ServerProcess.start(server, path);
  const idle = new IdleConnections(subject.port, said, answerEnd, acceptValue);
  return {
    async sample() {
      await idle.open(200); // What every server sets up once is not the price of a connection.
      await idle.close();
      const before = await subject.residentBytes();
      await idle.open(connections);
      const after = await subject.residentBytes();
      idle.assertOpen();
      return (after - before) / connections;
    },
    async close() {
      await idle.close();
      await subject.stop();
    },
  };
}
