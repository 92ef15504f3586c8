/** Files that belong to a module before the handler is asked. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { fileOf, type FileOptions } from './file.js';

/**
 * As {@link file}, for a folder that is installed with the code: `resource(new URL('./public/', import.meta.url))` finds it wherever
 * the process was started.
 *
 * @param root - A `file:` URL.
 * @throws {@link OptionError} for anything else: a path would count from the working directory.
 */
export const resource = (root: URL, options: FileOptions = {}): Middleware => {
  if (!(root instanceof URL) || root.protocol !== 'file:') throw new OptionError('root', 'must be a URL with the scheme file:');
  const serve = fileOf('resource', root, options);
  return function resource(handler: Handler): Handler {
    return serve(handler);
  };
};
