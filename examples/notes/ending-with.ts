/** Feeds that end before their source does. */
import { type Observable, Subscription, take } from 'rxjs';
import type { Replayable } from 'rx-http-kit';

/** `takeUntil` for what can be replayed: the source, until `end$` emits. What is no feed can have `takeUntil` itself. */
export const endingWith = <T>(end$: Observable<unknown>, source: Replayable<T>): Replayable<T> => ({
  follow: (cursor, latest, follower) => {
    const following = new Subscription();
    const end = (): void => {
      following.unsubscribe();
      follower.onEnd();
    };
    following.add(end$.pipe(take(1)).subscribe(end));
    following.add(source.follow(cursor, latest, follower));
    return () => following.unsubscribe();
  },
});
