/** A module served by this process. */
import { loadHandler } from './load-handler.js';
import type { ServerOptions } from './options.js';
import { runServer, type Server } from './run-server.js';

/**
 * Serves the default export of a module: on worker threads where `thread` is given, on the event loop of this process where not.
 *
 * @param load - How the handler is had in the second case; rejects with what the module throws.
 * @returns As `runServer`.
 */
export const serveModule = async (module: URL, options: Partial<ServerOptions>, load: typeof loadHandler = loadHandler): Promise<Server> =>
  options.thread === undefined ? runServer(await load(module), options) : runServer(module, options);
