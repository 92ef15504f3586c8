import type { Contender, Scenario } from '../contest.js';
import { openUnderLoad } from '../load-scenario.js';

const answer = { body: 'hello' };
const onLoop = 'ours, on the event loop';
const onThread = 'ours, on a thread';

/** What the way to a thread and back costs, where there is nothing to compute there. */
export const workersTrivial: Scenario = {
  name: 'workers-trivial',
  title: 'hello from a worker thread, keep-alive, 64 connections',
  quantity: 'CPU µs per request, all threads',
  ratioOf: 'this / event loop',
  lifetime: 'contest',
  contenders: [
    { name: onLoop, server: 'ours', open: () => openUnderLoad('ours', { request: { method: 'GET', path: '/' }, answer }) },
    {
      name: onThread,
      server: 'ours',
      open: () => openUnderLoad('ours', { request: { method: 'GET', path: '/thread' }, answer }),
      comparison: { subject: onThread, base: onLoop },
    },
  ] satisfies Contender[],
};
