import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

const lines = Array.from({ length: 16 }, (_, index) => ({
  article: `instrument-${100 + index}`,
  count: 1 + (index % 3),
  cents: 1_000 + index,
}));

/** 1 KiB of JSON exactly; the note fills it up. */
function orderText(): string {
  const order = { id: 4711, lines, note: '' };
  const missing = 1024 - JSON.stringify(order).length;
  return JSON.stringify({ ...order, note: 'n'.repeat(missing) });
}

export const postJson: Scenario = loadScenario({
  name: 'post-json',
  title: 'POST, 1 KiB JSON body, read and answered',
  request: { method: 'POST', path: '/json', headers: { 'content-type': 'application/json' }, body: orderText() },
  answer: { body: JSON.stringify({ id: 4711, total: lines.reduce((sum, line) => sum + line.cents, 0) }) },
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets'],
  targets: { 'node-http': 0.7 },
});
