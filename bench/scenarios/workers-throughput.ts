import { startChecked } from '../checked-server.js';
import type { Contender, Measured, Scenario } from '../contest.js';
import { runLoad } from '../load.js';
import { allCores } from '../places.js';
import { requestText, type WireRequest } from '../request-text.js';

const answer = { body: 'hello' };
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
    { name: onLoop, server: 'ours', open: () => open('/cpu-loop') },
    // 1.7 times as many answers.
    {
      name: onThreads,
      server: 'ours',
      open: () => open('/cpu-threads'),
      comparison: { subject: onThreads, base: onLoop, atMost: 1 / 1.7 },
    },
  ] satisfies Contender[],
};

async function open(path: string): Promise<Measured> {
  const request: WireRequest = { method: 'GET', path };
  const server = await startChecked('ours', { request, answer, cores: allCores });
  return {
    async sample(seconds) {
      const before = performance.now();
      const answers = await runLoad(server.port, { text: requestText(request), connections, depth: 1, seconds });
      return ((performance.now() - before) * 1_000) / answers;
    },
    close: () => server.stop(),
  };
}
