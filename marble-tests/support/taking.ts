/** A subscriber that takes as many items at a time as a diagram says. */
import { Observable } from 'rxjs';
import type { Pausable, PausableSubscription } from 'rx-http-kit';

/**
 * Subscribes at rest, and takes at each number so many items before it pauses again; `r` lets it flow.
 *
 * @param source$ - What can be paused; operators make no secret of it but to the compiler.
 */
export const taking = <T>(source$: Observable<T>, demand$: Observable<string>): Observable<T> =>
  new Observable<T>((subscriber) => {
    let wanted = 0;
    const source: PausableSubscription = (source$ as Pausable<T>).subscribePausable({
      next: (item) => {
        wanted--;
        if (wanted === 0) source.pause();
        subscriber.next(item);
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    subscriber.add(source);
    subscriber.add(
      demand$.subscribe((demand) => {
        wanted = demand === 'r' ? Infinity : Number(demand);
        source.resume();
      }),
    );
  });
