import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

const text = Array.from({ length: 100 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(100)).join('');

export const chunks: Scenario = loadScenario({
  name: 'chunks',
  title: '100 chunks of 100 bytes emitted in one turn',
  request: { method: 'GET', path: '/chunks' },
  answer: { body: text, isChunked: true },
  servers: ['ours', 'node-http', 'uwebsockets'],
  targets: { 'node-http': 0.35 },
});
