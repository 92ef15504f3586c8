import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

/** The 25th of fifty routes of the same shape, as an API has them: two params, a JSON reply. */
export const routes: Scenario = loadScenario({
  name: 'routes',
  title: '50 routes with params, JSON reply',
  request: { method: 'GET', path: '/shop24/orders/4711/lines/7' },
  answer: { body: JSON.stringify({ order: '4711', line: '7' }) },
  servers: ['ours', 'fastify', 'hono'],
  targets: { fastify: 0.6 },
});
