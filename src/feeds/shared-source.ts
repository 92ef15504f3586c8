/** An Observable as a source that can be replayed: one subscription for all clients, as long as there are some and a while longer. */
import type { Observable } from 'rxjs';
import type { Follower, Replayable, Unfollow } from '../rx/replay/replayable.js';
import { type LingeringOptions, LingeringSource } from './lingering-source.js';

/** Each subscription is a life of its own: what comes between two of them is missed, so cursors of the one say nothing in the next. */
export class SharedSource<T> implements Replayable<T> {
  private readonly source$: Observable<T>;
  private readonly options: LingeringOptions;
  private life: LingeringSource<T> | null;

  constructor(source$: Observable<T>, options: LingeringOptions) {
    this.source$ = source$;
    this.options = options;
    this.life = null;
  }

  follow(cursor: string | undefined, latest: number | undefined, follower: Follower<T>): Unfollow {
    this.life ??= new LingeringSource(this.source$, this.options, () => (this.life = null));
    return this.life.follow(cursor, latest, follower);
  }
}
