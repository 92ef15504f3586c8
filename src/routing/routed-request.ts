/** A request that has found its route: params, query and what is left of its path. */
import { type HttpRequest, IncomingRequest, originOf, type RequestView } from '../rx/request.js';
import type { AllowedMethods } from './allowed-methods.js';
import type { Params, ParamsOf } from './path-pattern.js';
import { type Query, queryFrom } from './query.js';

/** What routing adds to a request. */
export interface Routed<P extends string = string> {
  /**
   * What the path's params stood for, percent-decoded once; `*` for the rest. A decoded value can hold any character but NUL,
   * slashes too (`%2F`), but no dot segment.
   */
  readonly params: ParamsOf<P>;
  /** The query string as names and values, made when first read; reading a malformed one fails with 400. */
  readonly query: Query;
  /** The path behind the prefixes of `context`, percent-encoded as sent; `/` where there is none. `uri` stays whole. */
  readonly pathInfo: string;
}

/** A request as the handler of a route gets it: `RoutedRequest<'/users/:id'>` has `params.id`. */
export type RoutedRequest<P extends string = string> = HttpRequest & Routed<P>;

/** What one `routes` leaves for those inside it; for this floor only. */
export interface RoutingTrail {
  readonly params: Readonly<Params>;
  readonly pathInfo: string;
  /** Set where a `routes` stands around: it will answer 405, so that those inside need not. It does not cross to a thread. */
  readonly allowed?: AllowedMethods | null;
}

/** What a thread is told. */
const ADDED_FIELDS: readonly (keyof Routed)[] = ['params', 'pathInfo', 'query'];

/** The fields of a request are getters of `IncomingRequest`, which ask its origin: a view needs no more than that. */
class RoutedView implements RoutingTrail, RequestView {
  readonly incomingRequest: IncomingRequest;
  readonly params: Readonly<Params>;
  readonly pathInfo: string;
  readonly allowed: AllowedMethods | null;
  private cachedQuery: Query | undefined;

  constructor(incomingRequest: IncomingRequest, params: Readonly<Params>, pathInfo: string, allowed: AllowedMethods | null) {
    this.incomingRequest = incomingRequest;
    this.params = params;
    this.pathInfo = pathInfo;
    this.allowed = allowed;
    this.cachedQuery = undefined;
  }

  get query(): Query {
    return (this.cachedQuery ??= queryFrom(this.incomingRequest.queryString));
  }

  addedFields(): readonly string[] {
    return ADDED_FIELDS;
  }
}
Object.setPrototypeOf(RoutedView.prototype, IncomingRequest.prototype);

/** The request with its params. One that middleware has extended keeps what it was given. */
export const routedRequest = (
  request: HttpRequest,
  params: Readonly<Params>,
  pathInfo: string,
  allowed: AllowedMethods | null,
): RoutedRequest => {
  const origin = originOf(request);
  if (origin !== undefined && (request === origin || Object.getPrototypeOf(request) === RoutedView.prototype)) {
    return new RoutedView(origin, params, pathInfo, allowed) as unknown as RoutedRequest; // its prototype has the rest
  }
  let cachedQuery: Query | undefined;
  return Object.create(request, {
    params: { value: params, enumerable: true },
    pathInfo: { value: pathInfo, enumerable: true },
    allowed: { value: allowed },
    query: { get: () => (cachedQuery ??= queryFrom(request.queryString)), enumerable: true },
  }) as RoutedRequest; // Object.create is typed any
};

/** What stands around, for a request that came through a `routes` before. */
export const trailOf = (request: HttpRequest): RoutingTrail | undefined =>
  'pathInfo' in request && 'params' in request ? (request as unknown as RoutingTrail) : undefined; // made above, or by the thread that this came from
