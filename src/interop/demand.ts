/** Request bodies that are read as somebody wants them. */
import type { Observable, Observer } from 'rxjs';
import { isPausable, type PausableSubscription } from '../rx/demand/pausable.js';
import { type HttpRequest, originOf } from '../rx/request.js';

/** A subscription that can wait, where its source can. */
export type Demand = PausableSubscription;

/** Subscribes at rest; what cannot wait comes all the same. */
export const demandFor = <T>(source$: Observable<T>, observer: Partial<Observer<T>>): Demand => {
  if (isPausable(source$)) return source$.subscribePausable(observer);
  const subscription = source$.subscribe(observer);
  return {
    get closed() {
      return subscription.closed;
    },
    pause: () => {},
    resume: () => {},
    unsubscribe: () => subscription.unsubscribe(),
  };
};

/** A body was announced, whoever has made another of it since. */
export const hasBody = (request: HttpRequest): boolean => originOf(request)?.port.body !== null;
