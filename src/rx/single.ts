/** A stream of one. */
import { Observable, type Subscriber } from 'rxjs';

/** `of(value)`, in fewer steps, and in fewer objects: there is one for each request. Who is given one may look what it holds. */
export class Single<T> extends Observable<T> {
  readonly value: T;

  constructor(value: T) {
    super(emit); // one function for all
    this.value = value;
  }
}

function emit<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  subscriber.next((this as Single<T>).value); // given to no other constructor
  subscriber.complete();
}

export const single = <T>(value: T): Observable<T> => new Single(value);
