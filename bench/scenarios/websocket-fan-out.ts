import type { Scenario } from '../contest.js';
import { webSocketScenario } from '../websocket-scenario.js';

/** Ours tells all with `encodeOnce`, `ws` with the loop of its own guide, uwebsockets with its publish. */
export const webSocketFanOut: Scenario = webSocketScenario({
  name: 'websocket-fan-out',
  title: 'one message of 120 bytes to 2,000 WebSockets',
  quantity: 'CPU µs per message and client',
  path: '/fan-out',
  servers: ['ours', 'ws', 'uwebsockets'],
  targets: { ws: 0.7 },
  connections: 2_000,
  text: 'news '.repeat(24),
  depth: 1,
  receivers: 'all',
});
