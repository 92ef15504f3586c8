import type { Scenario } from '../contest.js';
import { webSocketScenario } from '../websocket-scenario.js';

export const webSocketEcho: Scenario = webSocketScenario({
  name: 'websocket-echo',
  title: 'WebSocket echo, 64 connections, one message in flight',
  quantity: 'CPU µs per message',
  path: '/echo',
  servers: ['ours', 'ws', 'uwebsockets'],
  targets: { ws: 1 },
  connections: 64,
  text: 'a message of thirty-two letters!',
  depth: 1,
  receivers: 'itself',
});
