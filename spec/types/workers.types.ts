import { inWorkers, runServer, workerName, type Handler, type Server, type Workers, type WorkersHandler } from 'rx-http-kit';
import type { Equal, Expect } from '../support/type-equality.js';

const module = new URL('./app.js', import.meta.url);

export type NameIsKnownInThreadsOnly = Expect<Equal<typeof workerName, string | undefined>>;
export type WorkersAreAHandler = Expect<Equal<WorkersHandler, Handler & Workers>>;

export const computed: Handler = inWorkers(module, { thread: 2, resourceLimits: { maxOldGenerationSizeMb: 64 } });
export const served = (): Promise<Server> => runServer(module, { thread: 2 });
export const servedByName = (): Promise<Server> => runServer('file:///app.js');

// @ts-expect-error a module is named by a URL
export const byNumber = (): Promise<Server> => runServer(5);
// @ts-expect-error options have names of their own
export const misspelt: Handler = inWorkers(module, { threads: 2 });
