/** A module served by this process. */
import { loadHandler } from './load-handler.js';
import type { ServerOptions } from './options.js';
import { runServer, type Server } from './run-server.js';

/**
 * Serves the default export of a module in this process, on its event loop.
 *
 * @returns As `runServer`; rejects also as {@link loadHandler}.
 */
export const runModule = async (module: URL, options: Partial<ServerOptions>): Promise<Server> =>
  runServer(await loadHandler(module), options);
