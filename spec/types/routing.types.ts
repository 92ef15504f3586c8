import type { Handler, HttpRequest } from '#src/index.js';
import { context, get, type ParamsOf, post, type Query, type RoutedRequest, routes, validate } from '#src/routing/index.js';
import { type } from 'arktype';
import { map, type OperatorFunction, pipe } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';
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

const note = get(
  '/posts/:post',
  map(({ params }: RoutedRequest<'/users/:id/posts/:post'>) => params.id + params.post),
);
export type NeedsItsContext = Expect<
  Equal<typeof note extends OperatorFunction<HttpRequest & { params: { id: string } }, infer _Reply> ? true : false, true>
>;
export const inside: Handler = context('/users/:id', note);
// @ts-expect-error the prefix has no param `id`
export const inAnother: Handler = context('/people/:name', note);
const home = get(
  '/',
  map(() => 'home'),
);
// @ts-expect-error a route that needs a param of its context stands in none
export const alone: Handler = routes(home, note);

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

type Known = HttpRequest & { readonly user: string };
const knownUser: OperatorFunction<Known, string> = map(({ user }) => user);
const ownNote: OperatorFunction<RoutedRequest<'/notes/:id'> & Known, string> = map(({ params, user }) => params.id + user);
/** What middleware adds is all that is asked of around: the params are bound by the path. */
export const needsUserToo: OperatorFunction<Known, unknown> = routes(
  get(
    '/',
    map(() => 'home'),
  ),
  get('/me', knownUser),
  get('/notes/:id', ownNote),
);
export const operatorInside: Handler = context(
  '/users/:id',
  map(({ params }) => params.id),
);
/** A context asks for what its routes ask for, but for its own params. */
export const knownInside: OperatorFunction<Known, unknown> = context(
  '/notes/:id',
  get(
    '/',
    map(() => 'note'),
  ),
  get('/own', ownNote),
);
// @ts-expect-error nobody has given the request a user
export const unknownInside: Handler = context('/notes/:id', get('/own', ownNote));
// @ts-expect-error nobody has given the request a user
export const lacksUserToo: Handler = routes(get('/notes/:id', ownNote));
// @ts-expect-error the path has no param `id`
export const lacksId: OperatorFunction<Known, unknown> = routes(get('/notes/:name', ownNote));

const number = map((_request: HttpRequest) => 200);
// @ts-expect-error a handler answers with a Reply, not with a number
export const answersWithANumber = get('/', number);

const order = { params: z.object({ id: z.coerce.number() }), body: v.object({ text: v.string() }), query: type({ page: 'number' }) };
export const typed = post(
  '/orders/:id',
  pipe(
    validate(order),
    map(({ params, body, query, method }) => {
      type Params = Expect<Equal<typeof params, { id: number }>>;
      type Body = Expect<Equal<typeof body, { text: string }>>;
      type QueryType = Expect<Equal<typeof query, { page: number }>>;
      return `${method} ${params.id} ${body.text} ${query.page}` satisfies [Params, Body, QueryType] extends [true, true, true]
        ? string
        : never;
    }),
  ),
);
export const untold = pipe(
  validate(order),
  // @ts-expect-error a schema says what there is
  map(({ body }) => body.title),
);
