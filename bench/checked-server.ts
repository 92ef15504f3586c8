import { type ExpectedAnswer, checkAnswer, checkPipeline } from './answer-check.js';
import type { ServerName } from './contest.js';
import type { WireRequest } from './request-text.js';
import { ServerProcess } from './server-process.js';

/** What a server will be asked while it is measured, and what it has to say. */
export interface Questioning {
  readonly request: WireRequest;
  readonly answer: ExpectedAnswer;
  /** How many requests come in one write. */
  readonly depth?: number;
  /** Which cores the server may use; one unless told. */
  readonly cores?: string;
}

/**
 * Starts a server that gives the right answer. The caller stops it.
 *
 * @throws when the answer is wrong; then the server is stopped already.
 */
export async function startChecked(server: ServerName, { request, answer, depth = 1, cores }: Questioning): Promise<ServerProcess> {
  const started = await ServerProcess.start(server, request.path, cores);
  try {
    await checkAnswer(started.port, request, answer);
    if (depth > 1) await checkPipeline(started.port, request, answer, depth);
    return started;
  } catch (error) {
    await started.stop();
    throw new Error(`${server} does not answer right`, { cause: error });
  }
}
