import { type Questioning, startChecked } from './checked-server.js';
import type { Contender, Measured, Scenario, ServerName } from './contest.js';
import { runLoad } from './load.js';
import { requestText } from './request-text.js';

export interface LoadScenario extends Questioning {
  readonly name: string;
  readonly title: string;
  /** In the order in which they are measured; `ours` is the first. */
  readonly servers: readonly ServerName[];
  /** The largest ratio ours / server that is good enough. */
  readonly targets: Readonly<Partial<Record<ServerName, number>>>;
  /** How many keep-alive connections ask at the same time. */
  readonly connections?: number;
}

/**
 * Every server gets the same request from wrk; what counts is the CPU time of the server's process for each answer.
 *
 * The processes live through all rounds: a fresh one needs three seconds to reach its speed, and five processes of node-http, hello,
 * differed no more (50 to 57 µs) than the rounds of one of them (46 to 64 µs), so that a restart would buy nothing.
 */
export function loadScenario(options: LoadScenario): Scenario {
  return {
    name: options.name,
    title: options.title,
    quantity: 'CPU µs per request',
    ratioOf: 'ours / this',
    lifetime: 'contest',
    contenders: options.servers.map((server) => contenderOf(server, options)),
  };
}

function contenderOf(server: ServerName, options: LoadScenario): Contender {
  const comparison = { subject: 'ours', base: server, atMost: options.targets[server] };
  const open = (): Promise<Measured> => openUnderLoad(server, options);
  return server === 'ours' ? { name: server, server, open } : { name: server, server, open, comparison };
}

/** Starts a server and measures it under the load of a scenario. */
export async function openUnderLoad(
  server: ServerName,
  options: Pick<LoadScenario, 'request' | 'answer' | 'connections' | 'depth'>,
): Promise<Measured & { readonly port: number }> {
  const { request, connections = 64, depth = 1 } = options;
  const subject = await startChecked(server, options);
  const text = requestText(request);
  return {
    port: subject.port,
    async sample(seconds) {
      const before = await subject.cpuMicroseconds();
      const answers = await runLoad(subject.port, { text, connections, depth, seconds });
      return ((await subject.cpuMicroseconds()) - before) / answers;
    },
    close: () => subject.stop(),
  };
}
