import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

/** Without rawnet, which counts chunks and not requests. */
export const pipelined: Scenario = loadScenario({
  name: 'pipelined',
  title: 'hello, 16 pipelined',
  request: { method: 'GET', path: '/' },
  answer: { body: 'hello' },
  depth: 16,
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets'],
  targets: { 'node-http': 0.15, uwebsockets: 1.2 },
});
