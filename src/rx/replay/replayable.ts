/**
 * What a feed knows of its source: a topic in memory, one in a broker, a producer that outlives its clients. Interfaces only.
 */

/** One item of a source that can be replayed. */
export interface Published<T> {
  /** `epoch:offset`: the cursor of a client that has this item and all before it. */
  readonly id: string;
  /** Counts what this source has published, from 1 on, without a gap. */
  readonly offset: number;
  readonly value: T;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
}

/** What a client that comes with a cursor has missed. */
export interface Replay<T> {
  /**
   * True: `items` is everything behind the cursor. False: some of that is not kept any more, or the cursor is none of this
   * source; the client must begin anew.
   */
  readonly recovered: boolean;
  readonly items: readonly Published<T>[];
  readonly epoch: string;
  /** Of the last item that was published; 0 before the first. */
  readonly offset: number;
}

/** Who follows a source. What its methods throw is reported as unhandled, and harms nobody else. */
export interface Follower<T> {
  /** Called once, first; at once where the source is in memory. */
  onReplay(replay: Replay<T>): void;
  /** Whatever was published behind the replay, each once, in order. */
  onPublished(published: Published<T>): void;
  /** Nothing more comes. Called at most once, last. */
  onEnd(): void;
  /** As `onEnd`, because the source has failed. */
  onError(error: unknown): void;
}

/** Stops to follow; any number of times. Nothing is called afterwards. */
export type Unfollow = () => void;

/** A source that tells who comes back what it has missed, or says that it cannot: never a silent hole. */
export interface Replayable<T> {
  /**
   * Replays, then goes on live; between the two nothing is missed and nothing doubled.
   *
   * @param cursor - What the client has; `undefined` for one that comes for the first time.
   * @param latest - Items that one who comes for the first time is given, or cannot be given what it missed; `undefined`
   *   leaves it to the source.
   */
  follow(cursor: string | undefined, latest: number | undefined, follower: Follower<T>): Unfollow;
}

export const isReplayable = (value: unknown): value is Replayable<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Replayable<unknown>).follow === 'function';
