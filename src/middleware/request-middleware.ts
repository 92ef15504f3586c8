/** Middleware that adds fields to requests, and is an operator as well. */
import { concatMap, isObservable, map, Observable, of } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import { extend, type HttpRequest } from '../rx/request.js';

/**
 * Middleware and operator in one, told apart by what it is given.
 *
 * Given a handler, it is a `Middleware`: the handler's requests have the fields, and where the middleware has something to say of
 * replies (cookies to set, a session to keep) it says it. Given an Observable of requests, it adds the fields and no more:
 * `pipe(cookies(), map((request) => request.cookies.theme))` is a handler whose requests are typed.
 */
export interface RequestMiddleware<Added extends object> {
  <Target extends Handler | Observable<HttpRequest>>(
    target: Target,
  ): Target extends Observable<infer Request> ? Observable<Request & Added> : Handler;
}

/**
 * @param mark - One of the fields: an operator leaves a request alone that has it, as its middleware stands around already. `null` where
 *   `fieldsOf` sees to that itself.
 * @param middleware - The one for handlers; also gives its name to the whole.
 * @param fieldsOf - What is added for an Observable, where need be later.
 */
export const requestMiddleware = <Added extends object>(
  mark: (keyof Added & string) | null,
  middleware: (handler: Handler) => Handler,
  fieldsOf: (request: HttpRequest) => Added | Observable<Added>,
): RequestMiddleware<Added> => {
  const either = (target: Handler | Observable<HttpRequest>): unknown =>
    isObservable(target)
      ? target.pipe(concatMap((request) => (mark !== null && mark in request ? of(request) : withFields(request, fieldsOf(request)))))
      : middleware(target);
  Object.defineProperty(either, 'name', { value: middleware.name });
  return either as RequestMiddleware<Added>; // the two cases of its conditional type are the two branches above
};

const withFields = <Added extends object>(request: HttpRequest, fields: Added | Observable<Added>): Observable<HttpRequest> =>
  isObservable(fields)
    ? fields.pipe(map((added) => extend(request, added)))
    : new Observable((subscriber) => {
        subscriber.next(extend(request, fields));
        subscriber.complete();
      });
