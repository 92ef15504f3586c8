/** Routes behind a prefix. */
import type { OperatorFunction } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import { prefixFrom } from './path-pattern.js';
import type { RoutedRequest } from './routed-request.js';
import { entriesFrom, type RouteLike, routesOf } from './routes.js';
import type { Without } from './verbs.js';

/**
 * `routes` behind a prefix, which may have params: they join those of the routes inside. Paths inside are relative to it,
 * and `/` inside means the prefix itself too: `context('/api', get('/', …))` answers `/api` and `/api/`.
 *
 * Inside, `request.pathInfo` is what stands behind the prefix; `request.uri` stays whole. Handlers that are no routes, and
 * responses, are asked for the paths behind the prefix only.
 *
 * Where its handlers want fields that middleware adds, or params of another context around, so does the context.
 *
 * @throws {@link OptionError} for a prefix that is none, and for a param that both prefix and route bind.
 */
export function context<P extends string>(prefix: P, ...handlers: RouteLike<RoutedRequest<P>>[]): Handler;
export function context<P extends string, R extends HttpRequest>(
  prefix: P,
  ...handlers: RouteLike<R>[]
): OperatorFunction<Without<R, P>, Reply>;
export function context(prefix: string, ...handlers: readonly unknown[]): Handler {
  const pattern = prefixFrom(prefix);
  const entries = handlers.flatMap((handler) => entriesFrom(handler as RouteLike)); // they will get what their type says
  return routesOf(
    entries.map((entry) => ({ ...entry, pattern: pattern.join(entry.pattern), prefixLength: entry.prefixLength + pattern.length })),
  );
}
