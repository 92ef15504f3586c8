import { startChecked } from '../checked-server.js';
import type { Contender, Measured, Scenario, ServerName } from '../contest.js';
import { IdleConnections } from '../idle-connections.js';
import { type WireRequest, requestText } from '../request-text.js';

const connections = 19_000;
const request: WireRequest = { method: 'GET', path: '/' };
const targets: Partial<Record<ServerName, number>> = { 'node-http': 0.55, rawnet: 1.15 };
/** Without uwebsockets, which closes what was idle for 10 seconds: sooner than all are open. */
const servers: readonly ServerName[] = ['ours', 'node-http', 'fastify', 'hono', 'marble', 'rawnet'];

/** Memory that was once resident is rarely given back, therefore a fresh process for every sample. */
export const idleMemory: Scenario = {
  name: 'idle-memory',
  title: 'memory per idle keep-alive connection (19,000 of them)',
  quantity: 'resident bytes per connection',
  ratioOf: 'ours / this',
  lifetime: 'round',
  contenders: servers.map((server): Contender => {
    const comparison = server === 'ours' ? undefined : { subject: 'ours', base: server, atMost: targets[server] };
    return { name: server, server, open: () => open(server), comparison };
  }),
};

async function open(server: ServerName): Promise<Measured> {
  const subject = await startChecked(server, { request, answer: { body: 'hello' } });
  const idle = new IdleConnections(subject.port, requestText(request), '\r\n\r\nhello');
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
