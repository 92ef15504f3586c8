/** Time by the clock and not by the processor: what more cores bring is seen there only. */
import { startChecked } from './checked-server.js';
import type { Measured } from './contest.js';
import { runLoad } from './load.js';
import { allCores } from './places.js';
import { requestText, type WireRequest } from './request-text.js';

/** Our server on all cores, whose path answers `hello`: wall µs per request, under a load that asks too little to need a core. */
export async function openWallTime(path: string, connections: number): Promise<Measured> {
  const request: WireRequest = { method: 'GET', path };
  const server = await startChecked('ours', { request, answer: { body: 'hello' }, cores: allCores });
  return {
    async sample(seconds) {
      const before = performance.now();
      const answers = await runLoad(server.port, { text: requestText(request), connections, depth: 1, seconds });
      return ((performance.now() - before) * 1_000) / answers;
    },
    close: () => server.stop(),
  };
}
