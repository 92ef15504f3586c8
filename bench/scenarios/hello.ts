import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

export const hello: Scenario = loadScenario({
  name: 'hello',
  title: 'hello, keep-alive, 64 connections',
  request: { method: 'GET', path: '/' },
  answer: { body: 'hello' },
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets', 'rawnet'],
  targets: { 'node-http': 0.65, rawnet: 1.2 },
});
