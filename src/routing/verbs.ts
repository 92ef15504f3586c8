/** Routes of one method: Compojure's verbs. */
import type { OperatorFunction } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import { kindOf, type Reply } from '../rx/response.js';
import { type ParamNames, patternFrom } from './path-pattern.js';
import type { RoutedRequest } from './routed-request.js';
import { routesOf } from './routes.js';

/**
 * A route: its handler is asked where method and path are the request's, with `params`, `query` and `pathInfo` on it.
 *
 * A segment `:name` stands for any that is not empty; `*`, at the end, for the rest, which may be empty, and does not begin with a
 * slash. All else stands for itself, whichever of its characters the client has percent-encoded. Case counts, and so does a
 * slash at the end.
 *
 * A handler may ask for params that its own path has not: then it fits only into a `context` that has them. So with fields that
 * middleware adds: `get('/me', map(({ user }: HttpRequest & { user: string }) => user))` fits only behind what adds `user`.
 *
 * @throws {@link OptionError} for a path that is none.
 */
export interface Verb {
  <P extends string>(path: P, handler: OperatorFunction<RoutedRequest<P>, Reply>): Handler;
  <P extends string, R extends HttpRequest>(path: P, handler: OperatorFunction<R, Reply>): OperatorFunction<Without<R, P>, Reply>;
}

/** What a handler of path `P` that wants an `R` needs from around: fields that middleware adds, params that `context` binds. */
export type Without<R extends HttpRequest, P extends string> = Omit<R, 'params' | 'query' | 'pathInfo'> & HttpRequest & OtherParams<R, P>;

/** Nothing where the path binds all of them: then it fits where nobody binds any. */
type OtherParams<R, P extends string> = R extends { readonly params: infer All }
  ? Exclude<keyof All, ParamNames<P>> extends never
    ? unknown
    : { readonly params: Omit<All, ParamNames<P>> }
  : unknown;

const verb = (methods: readonly string[] | null): Verb => {
  const route = (path: string, handler: Handler): Handler => {
    if (typeof handler !== 'function') throw new OptionError('handler', `of ${messageOf(path)} is ${kindOf(handler)}, must be an operator`);
    return routesOf([{ methods, pattern: patternFrom(path), answer: handler, isOpaque: false, prefixLength: 0 }]);
  };
  return route as Verb; // the handler gets what its type says: the params are those of the path
};

/** A route for GET, which answers HEAD too: the server sends no body then. */
export const get: Verb = verb(['GET', 'HEAD']);
export const post: Verb = verb(['POST']);
export const put: Verb = verb(['PUT']);
export const patch: Verb = verb(['PATCH']);
/** A route for DELETE, which is a word of JavaScript's. */
export const del: Verb = verb(['DELETE']);
/** A route for HEAD alone; a `get` before it answers HEAD first. */
export const head: Verb = verb(['HEAD']);
/** A route for OPTIONS; without one `routes` answers it with 204 and `allow`. */
export const options: Verb = verb(['OPTIONS']);
/** A route for whatever method. */
export const any: Verb = verb(null);
