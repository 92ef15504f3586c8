/** Folders as routes. */
import { concatMap, EMPTY, from, of } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import { staticFiles, type StaticFilesOptions } from '../rx/replies/static-files.js';
import { ANY_PATH, prefixFrom } from './path-pattern.js';
import { trailOf } from './routed-request.js';
import { routesOf } from './routes.js';

/** Options of {@link files}. */
export interface FilesOptions extends StaticFilesOptions {
  /** The folder whose files are served. */
  readonly root: string | URL;
}

/**
 * The files of a folder behind a path, for GET and HEAD: with conditions, one range, and compressed copies where they lie beside the
 * file. What is not there, or may not be served, is passed on to the next route. Nothing outside of the folder is ever served.
 *
 * Needs the packages mime-types, negotiator and range-parser.
 *
 * @param path - A prefix, as `context` takes it, or `/`.
 * @throws OptionError for a path that is none, a folder that is not there, and wrong options.
 * @example `routes(get('/api', api), files('/', { root: 'public' }))`
 */
export const files = (path: string, given: FilesOptions): Handler => {
  if (typeof given !== 'object' || given === null)
    throw new OptionError('options', `is ${messageOf(given)}, must be an object with a root`);
  const { root, ...options } = given;
  const find = staticFiles('files', root, options);
  const prefix = path === '/' ? null : prefixFrom(path);
  const handler: Handler = concatMap((request: HttpRequest) =>
    from(find(request, trailOf(request)?.pathInfo ?? request.uri)).pipe(concatMap((reply) => (reply === null ? EMPTY : of(reply)))),
  );
  const pattern = prefix === null ? ANY_PATH : prefix.join(ANY_PATH);
  return routesOf([{ methods: null, pattern, answer: handler, isOpaque: true, prefixLength: prefix?.length ?? 0 }]);
};
