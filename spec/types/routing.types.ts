import type { Handler, HttpRequest } from '#src/index.js';
import { context, get, type ParamsOf, type Query, type RoutedRequest, routes } from '#src/routing/index.js';
import { map, type OperatorFunction } from 'rxjs';
import type { Equal, Expect } from '../support/type-equality.js';

export type NoParams = Expect<Equal<ParamsOf<'/users'>, {}>>;
export type OneParam = Expect<Equal<ParamsOf<'/users/:id'>, { readonly id: string }>>;
export type TwoParams = Expect<Equal<ParamsOf<'/:a/x/:b'>, { readonly a: string; readonly b: string }>>;
export type ParamAndRest = Expect<Equal<ParamsOf<'/users/:id/*'>, { readonly id: string; readonly '*': string }>>;
export type RestAlone = Expect<Equal<ParamsOf<'/*'>, { readonly '*': string }>>;
export type UnknownText = Expect<Equal<ParamsOf<string>, Readonly<Record<string, string>>>>;
export type QueryOfARequest = Expect<Equal<RoutedRequest<'/'>['query'], Query>>;

export const route: Handler = get(
  '/users/:id/*',
  map(({ params }) => params.id + params['*']),
);
export const misspelt = get(
  '/users/:id',
  // @ts-expect-error the path has no param of this name
  map(({ params }) => params.name),
);

const post = get(
  '/posts/:post',
  map(({ params }: RoutedRequest<'/users/:id/posts/:post'>) => params.id + params.post),
);
export type NeedsItsContext = Expect<
  Equal<typeof post extends OperatorFunction<HttpRequest & { params: { id: string } }, infer _Reply> ? true : false, true>
>;
export const inside: Handler = context('/users/:id', post);
// @ts-expect-error the prefix has no param `id`
export const inAnother: Handler = context('/people/:name', post);
// @ts-expect-error a route that needs a param of its context stands in none
export const alone: Handler = routes(
  get(
    '/',
    map(() => 'home'),
  ),
  post,
);

const greet: OperatorFunction<HttpRequest & { user: string }, string> = map(({ user }) => user);
export const needsUser: OperatorFunction<HttpRequest & { user: string }, unknown> = routes(
  get(
    '/',
    map(() => 'home'),
  ),
  greet,
);
// @ts-expect-error nobody has given the request a user
export const lacksUser: Handler = routes(greet);
const number = map((_request: HttpRequest) => 200);
// @ts-expect-error a handler answers with a Reply, not with a number
export const answersWithANumber = get('/', number);
