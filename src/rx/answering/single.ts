/** A stream of one. */
import { Observable } from 'rxjs';

/** `of(value)`, in fewer steps: there is one for each request. */
export const single = <T>(value: T): Observable<T> =>
  new Observable((subscriber) => {
    subscriber.next(value);
    subscriber.complete();
  });
