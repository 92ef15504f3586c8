/** Files of a folder before the handler is asked. */
import { from, map } from 'rxjs';
import type { Handler, Middleware } from '../rx/handler.js';
import { staticFiles, type StaticFilesOptions } from '../rx/replies/static-files.js';
import { passThrough } from './map-response.js';

/** Options of {@link file} and {@link resource}. */
export type FileOptions = StaticFilesOptions;

/**
 * Answers GET and HEAD with the file of that path below a folder, and leaves to the handler what is not there.
 *
 * Answers 200, 206 for one range, 304, 412, 416, and 301 to a folder whose slash is missing. Names that begin with a dot, links
 * that lead out of the folder, and every spelling of `..` are not there. Needs the packages `mime-types`, `range-parser` and
 * `negotiator`.
 *
 * @param root - The folder; a path from the working directory, or a URL: `new URL('./public/', import.meta.url)`.
 * @throws {@link OptionError} for a folder that is not there, and for a wrong option.
 */
export const file = (root: string | URL, options: FileOptions = {}): Middleware => fileOf('file', root, options);

/** @param who - As its user calls it. */
export const fileOf = (who: string, root: string | URL, options: FileOptions): Middleware => {
  const find = staticFiles(who, root, options);
  return function file(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return {};
      return from(find(request, request.uri)).pipe(map((response) => (response === null ? {} : { answer: response })));
    });
  };
};
