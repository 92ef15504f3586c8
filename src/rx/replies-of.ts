/** Where a handler is applied: what it gives is looked at, as not all handlers have met a compiler. */
import type { Observable, OperatorFunction } from 'rxjs';
import { HandlerError } from '../errors.js';
import { kindOf, type Reply } from './response.js';

/** @throws {@link HandlerError} `RHK_BAD_REPLY` for a function that is no operator, and says what it gave instead. */
export const repliesOf = <R>(handler: OperatorFunction<R, Reply>, requests$: Observable<R>): Observable<Reply> => {
  const replies$ = handler(requests$) as Observable<Reply> | null | undefined; // what its type says, or anything
  if (typeof replies$?.subscribe === 'function') return replies$;
  throw new HandlerError(
    'RHK_BAD_REPLY',
    `handler gave ${kindOf(replies$)}, not an Observable: an operator takes the stream of requests and gives one of replies, as map(request => reply) does`,
  );
};
