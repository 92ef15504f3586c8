import { startChecked } from '../checked-server.js';
import type { Contender, Measured, Scenario } from '../contest.js';
import { runLoad } from '../load.js';
import { allCores } from '../places.js';
import { requestText, type WireRequest } from '../request-text.js';

const answer = { body: 'hello' };
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
    { name: one, server: 'ours', open: () => open('/cpu-one-process') },
    // 1.7 times as many answers.
    { name: two, server: 'ours', open: () => open('/cpu-two-processes'), comparison: { subject: two, base: one, atMost: 1 / 1.7 } },
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
