/** Routes behind a prefix. */
import type { OperatorFunction } from 'rxjs';
import type { Reply } from '../rx/response.js';
import type { HttpRequest } from '../rx/request.js';
import { prefixFrom } from './path-pattern.js';
import type { RoutedRequest } from './routed-request.js';
import { entriesFrom, type RouteLike, routesOf } from './routes.js';

/**
 * `routes` behind a prefix, which may have params: they join those of the routes inside. Paths inside are relative to it,
 * and `/` inside means the prefix itself too: `context('/api', get('/', …))` answers `/api` and `/api/`.
 *
 * Inside, `request.pathInfo` is what stands behind the prefix; `request.uri` stays whole. Handlers that are no routes, and
 * responses, are asked for the paths behind the prefix only.
 *
 * @throws {@link OptionError} for a prefix that is none, and for a param that both prefix and route bind.
 */
export const context = <P extends string>(prefix: P, ...handlers: RouteLike<RoutedRequest<P>>[]): OperatorFunction<HttpRequest, Reply> => {
  const pattern = prefixFrom(prefix);
  const entries = handlers.flatMap((handler) => entriesFrom(handler as RouteLike)); // they will get what their type says
  return routesOf(
    entries.map((entry) => ({ ...entry, pattern: pattern.join(entry.pattern), prefixLength: entry.prefixLength + pattern.length })),
  );
};
