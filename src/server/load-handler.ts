/** The handler that a module exports. */
import { HandlerError } from '../errors.js';
import type { Handler } from '../rx/handler.js';

/**
 * Imports a module whose default export is a handler.
 *
 * @returns Rejects with what the module throws while it is loaded, or with a {@link HandlerError} `RHK_MODULE_FAILED` that says
 *   what it lacks.
 */
export const loadHandler = async (module: URL): Promise<Handler> => {
  const exported = (await import(module.href)) as { readonly default?: unknown }; // any module
  const handler = exported.default;
  if (typeof handler === 'function') return handler as Handler; // an operator cannot be told from another function before it runs
  const lack = 'default' in exported ? `exports ${handler === null ? 'null' : `a ${typeof handler}`} by default` : 'has no default export';
  throw new HandlerError('RHK_MODULE_FAILED', `${module.href} ${lack}, it must be a handler: export default map(() => 'hello')`);
};
