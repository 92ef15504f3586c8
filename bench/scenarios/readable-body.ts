import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

export const readableBody: Scenario = loadScenario({
  name: 'readable-body',
  title: '10 MiB from a Readable',
  request: { method: 'GET', path: '/readable' },
  answer: { body: Buffer.alloc(10 * 1024 * 1024, 'x'), isChunked: true },
  connections: 8,
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble'],
  targets: { 'node-http': 1.05 },
});
