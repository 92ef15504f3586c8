/** Who this thread is. */
import { type MessagePort, workerData } from 'node:worker_threads';

/** What a thread is told when it is made. Its own key, as an application may have worker data too. */
export interface WorkerTask {
  readonly name: string;
  /** The module whose default export is the handler. */
  readonly url: string;
  /** Octets that may wait for one slow client when they are pushed. */
  readonly maxBufferedBytes: number;
}

/** What a thread finds in `workerData`. */
export interface WorkerBirth {
  readonly task: WorkerTask;
  /** The way to the main thread. Not `parentPort`, which is the application's to send on, to listen to and to close. */
  readonly port: MessagePort;
}

/** How this thread was made; `undefined` where this library did not make it. */
export const workerBirth: WorkerBirth | undefined = (workerData as { readonly rxHttpKit?: WorkerBirth } | null)?.rxHttpKit; // ours where it is there

/** `worker-1`, `worker-2` … within a thread that computes replies; `undefined` everywhere else. */
export const workerName: string | undefined = workerBirth?.task.name;
