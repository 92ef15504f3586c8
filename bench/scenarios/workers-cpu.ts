import { startChecked } from '../checked-server.js';
import type { Contender, Measured, Scenario } from '../contest.js';
import { LatencyProbe } from '../latency-probe.js';
import { runLoad } from '../load.js';
import { allCores } from '../places.js';
import { requestText, type WireRequest } from '../request-text.js';
import { percentile } from '../statistics.js';

const answer = { body: 'hello' };
const onLoop = 'ours, 5 ms on the event loop';
const onThreads = 'ours, 5 ms on two threads';
const connections = 16;

/** How long others wait while a handler computes. Server and threads have both cores, as a server that uses threads has. */
export const workersCpu: Scenario = {
  name: 'workers-cpu',
  title: `a trivial route beside one that computes for 5 ms on ${connections} connections`,
  quantity: 'ms, 99th percentile of the trivial route',
  ratioOf: 'this / event loop',
  lifetime: 'contest',
  contenders: [
    { name: onLoop, server: 'ours', open: () => open('/cpu-loop') },
    { name: onThreads, server: 'ours', open: () => open('/cpu-threads'), comparison: { subject: onThreads, base: onLoop } },
  ] satisfies Contender[],
};

async function open(path: string): Promise<Measured> {
  const request: WireRequest = { method: 'GET', path };
  const server = await startChecked('ours', { request, answer, cores: allCores });
  const trivial = requestText({ method: 'GET', path: '/' });
  return {
    async sample(seconds) {
      const probe = await LatencyProbe.connect(server.port, trivial, '\r\n\r\nhello');
      let isOver = false;
      const load = runLoad(server.port, { text: requestText(request), connections, depth: 1, seconds }).finally(() => (isOver = true));
      const times = await probe.measure(() => isOver);
      await load;
      probe.close();
      return percentile(times, 0.99);
    },
    close: () => server.stop(),
  };
}
