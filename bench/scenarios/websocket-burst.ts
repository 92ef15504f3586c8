import type { Scenario } from '../contest.js';
import { webSocketScenario } from '../websocket-scenario.js';

export const webSocketBurst: Scenario = webSocketScenario({
  name: 'websocket-burst',
  title: 'WebSocket echo, 64 connections, eight messages in flight',
  quantity: 'CPU µs per message',
  path: '/echo',
  servers: ['ours', 'ws', 'uwebsockets'],
  targets: { ws: 0.35 },
  connections: 64,
  text: 'a message of thirty-two letters!',
  depth: 8,
  receivers: 'itself',
});
