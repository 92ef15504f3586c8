import type { Scenario } from './contest.js';
import { browserHeaders } from './scenarios/browser-headers.js';
import { byteByByte } from './scenarios/byte-by-byte.js';
import { chunks } from './scenarios/chunks.js';
import { conflatedFeed, conflatedFeedMemory } from './scenarios/conflated-feed.js';
import { hello } from './scenarios/hello.js';
import { idleBeside } from './scenarios/idle-beside.js';
import { idleMemory } from './scenarios/idle-memory.js';
import { knownBody } from './scenarios/known-body.js';
import { pipelined } from './scenarios/pipelined.js';
import { postJson } from './scenarios/post-json.js';
import { processesCpu } from './scenarios/processes-cpu.js';
import { readableBody } from './scenarios/readable-body.js';
import { routes200 } from './scenarios/routes-200.js';
import { routes } from './scenarios/routes.js';
import { sseFanOut } from './scenarios/sse-fan-out.js';
import { webSocketBurst } from './scenarios/websocket-burst.js';
import { webSocketEcho } from './scenarios/websocket-echo.js';
import { webSocketFanOut } from './scenarios/websocket-fan-out.js';
import { webSocketIdleMemory } from './scenarios/websocket-idle-memory.js';
import { workersCpu } from './scenarios/workers-cpu.js';
import { workersThroughput } from './scenarios/workers-throughput.js';
import { workersTrivial } from './scenarios/workers-trivial.js';

/** All there are, in the order in which they run and are reported. */
export const scenarios: readonly Scenario[] = [
  hello,
  browserHeaders,
  pipelined,
  postJson,
  routes,
  routes200,
  chunks,
  knownBody,
  readableBody,
  idleMemory,
  idleBeside,
  byteByByte,
  webSocketEcho,
  webSocketBurst,
  webSocketFanOut,
  webSocketIdleMemory,
  sseFanOut,
  conflatedFeed,
  conflatedFeedMemory,
  workersCpu,
  workersThroughput,
  workersTrivial,
  processesCpu,
];
