/** What runs in a worker thread: imports the application's module, then answers what the main thread hands over. */
import { HandlerError, messageOf } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { portableError } from './portable-error.js';
import { FromWorker, type FromWorkerMessage, type ToWorkerMessage } from './thread-messages.js';
import { WorkerHost } from './worker-host.js';
import { type WorkerBirth, workerBirth } from './worker-name.js';

const importHandler = async (url: string): Promise<Handler> => {
  const module = (await import(url)) as { readonly default?: unknown }; // any module may be named
  if (!('default' in module)) throw new HandlerError('RHK_MODULE_FAILED', 'it has no default export');
  if (typeof module.default !== 'function') {
    throw new HandlerError('RHK_MODULE_FAILED', `its default export is ${messageOf(module.default)}, not a handler: a function`);
  }
  return module.default as Handler; // what it is called with and what it gives is looked at then
};

const run = ({ task: { url, maxBufferedBytes }, port }: WorkerBirth): void => {
  const post = (batch: readonly FromWorkerMessage[], transferred: ArrayBuffer[] = []): void => port.postMessage(batch, transferred);
  importHandler(url).then(
    (handler) => {
      const host = new WorkerHost(handler, maxBufferedBytes, {
        post,
        onStopped: () => setImmediate(() => process.exit(0)), // its `exit` listeners run; `terminate` would not call them
      });
      port.on('message', (batch: readonly ToWorkerMessage[]) => host.take(batch));
      post([[FromWorker.READY]]);
    },
    (error: unknown) => post([[FromWorker.UNFIT, portableError(error)]]),
  );
};

if (workerBirth !== undefined) run(workerBirth);
