import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

export const knownBody: Scenario = loadScenario({
  name: 'known-body',
  title: '10 MiB known body',
  request: { method: 'GET', path: '/known' },
  answer: { body: Buffer.alloc(10 * 1024 * 1024, 'x') },
  connections: 8,
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets'],
  targets: { 'node-http': 1.05 },
});
