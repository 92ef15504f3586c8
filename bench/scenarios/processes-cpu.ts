import type { Contender, Scenario } from '../contest.js';
import { openWallTime } from '../wall-time.js';

const one = 'ours, one process';
const two = 'ours, two processes';
const connections = 32;

/** What a second process brings where handlers compute. Both have both cores, and the load asks too little to need one. */
export const processesCpu: Scenario = {
  name: 'processes-cpu',
  title: `a handler that computes for 5 ms, ${connections} connections`,
  quantity: 'wall µs per request',
  ratioOf: 'this / one process',
  lifetime: 'contest',
  contenders: [
    { name: one, server: 'ours', open: () => openWallTime('/cpu-one-process', connections) },
    // 1.7 times as many answers.
    {
      name: two,
      server: 'ours',
      open: () => openWallTime('/cpu-two-processes', connections),
      comparison: { subject: two, base: one, atMost: 1 / 1.7 },
    },
  ] satisfies Contender[],
};
