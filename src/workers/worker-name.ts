/** Who this thread is. */
import { workerData } from 'node:worker_threads';

/** What a thread is told when it is made. Its own key, as an application may have worker data too. */
export interface WorkerTask {
  readonly name: string;
  /** The module whose default export is the handler. */
  readonly url: string;
  /** Octets that may wait for one slow client when they are pushed. */
  readonly maxBufferedBytes: number;
}

/** What this thread was made for; `undefined` where this library did not make it. */
export const workerTask: WorkerTask | undefined = (workerData as { readonly rxHttpKit?: WorkerTask } | null)?.rxHttpKit; // ours where it is there

/** `worker-1`, `worker-2` … within a thread that computes replies; `undefined` everywhere else. */
export const workerName: string | undefined = workerTask?.name;
