/** What the compiler must accept and refuse of handlers; compiling this file is the test. */
import { map, of, type Observable, type OperatorFunction } from 'rxjs';
import type { Body, Handler, HttpRequest, HttpResponse, Middleware, Reply } from 'rx-http-kit';
import type { Equal, Expect } from '../support/type-equality.js';

export type HandlerIsAnOperator = Expect<Equal<Handler, OperatorFunction<HttpRequest, Reply>>>;
export type MiddlewareTurnsAHandlerIntoAnother = Expect<Equal<Middleware, (handler: Handler) => Handler>>;
export type ReplyIsAResponseOrJustABody = Expect<Equal<Reply, HttpResponse | Body>>;

export const answersWithText: Handler = map(({ method, uri }) => `${method} ${uri}`);
export const answersWithBytes: Handler = map(() => new Uint8Array(2));
export const answersWithAResponse: Handler = map(() => ({ status: 204, headers: { 'x-a': 'b', 'x-b': ['c', 'd'] } }));
export const answersWithAStream: Handler = map(() => ({ body: of('a', 'b') }));
export const answersWithRows: Handler = map(() => [new Uint8Array(1), 'text']);
export const passesOn: Middleware = (handler) => (requests$: Observable<HttpRequest>) => handler(requests$);

// @ts-expect-error a handler answers with a Reply, not with a number
export const answersWithANumber: Handler = map(() => 200);
// @ts-expect-error a handler is given requests, not strings
export const readsText: Handler = map((text: string) => text);
// @ts-expect-error a status is a number
export const statusAsText: HttpResponse = { status: '200' };
// @ts-expect-error a request cannot be written to
export const changesTheRequest = (request: HttpRequest): void => void (request.uri = '/');
// @ts-expect-error a header may be missing
export const trustsAHeader: Handler = map(({ headers }) => headers['x-name'].toUpperCase());
// @ts-expect-error an async function gives a Promise: mergeMap waits for it
export const answersLater: Handler = map(async () => Promise.resolve('hello'));
