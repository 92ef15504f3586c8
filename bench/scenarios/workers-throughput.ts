import type { Contender, Scenario } from '../contest.js';
import { openWallTime } from '../wall-time.js';

const onLoop = 'ours, on the event loop';
const onThreads = 'ours, on two threads';
const connections = 16;

/** What two threads bring where handlers compute. Both have both cores, and the load asks too little to need one. */
export const workersThroughput: Scenario = {
  name: 'workers-throughput',
  title: `a handler that computes for 5 ms, ${connections} connections, both cores`,
  quantity: 'wall µs per request',
  ratioOf: 'this / event loop',
  lifetime: 'contest',
  contenders: [
    { name: onLoop, server: 'ours', open: () => openWallTime('/cpu-loop', connections) },
    // 1.7 times as many answers.
    {
      name: onThreads,
      server: 'ours',
      open: () => openWallTime('/cpu-threads', connections),
      comparison: { subject: onThreads, base: onLoop, atMost: 1 / 1.7 },
    },
  ] satisfies Contender[],
};
