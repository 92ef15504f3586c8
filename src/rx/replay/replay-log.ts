/**
 * A source in memory that can be replayed: what topics, feeds and detached streams stand on.
 *
 * Owns: ids, the order in which all followers see all items, the seam between replay and live. Leaves: what is kept to
 * `history.ts`, names and options to those who build on it.
 */
import { randomBytes } from 'node:crypto';
import { asyncScheduler, throwError } from 'rxjs';
import { formatCursor, parseCursor } from './cursor.js';
import { History } from './history.js';
import type { Follower, Published, Replay, Replayable, Unfollow } from './replayable.js';

export interface ReplayLogOptions {
  /** Items that are kept; a finite number. */
  readonly history: number;
  /** Milliseconds that an item is kept; Infinity for as long as its place is not needed. */
  readonly ttlMs: number;
}

/** Octets of chance in an epoch: enough that no two lives of a source have the same. */
const EPOCH_BYTES = 9;

export class ReplayLog<T> implements Replayable<T> {
  readonly epoch: string;
  private readonly history: History<T>;
  private readonly followers: Set<Following<T>>;
  /** Somebody is being told: what is published meanwhile waits, so that all see the same order. */
  private isTelling: boolean;
  private pending: Published<T>[];
  private end: { readonly error: unknown; readonly hasFailed: boolean } | null;

  constructor({ history, ttlMs }: ReplayLogOptions, epoch: string = randomBytes(EPOCH_BYTES).toString('base64url')) {
    this.epoch = epoch;
    this.history = new History(history, ttlMs);
    this.followers = new Set();
    this.isTelling = false;
    this.pending = [];
    this.end = null;
  }

  /** Of the last item that was published. */
  get offset(): number {
    return this.history.last;
  }

  get hasEnded(): boolean {
    return this.end !== null;
  }

  get followerCount(): number {
    return this.followers.size;
  }

  /**
   * Keeps the value, and tells all who follow: at once, or behind what they are being told right now.
   *
   * @returns Its id. On a log that has ended nothing is kept, and the id is that of the last item.
   */
  publish(value: T): string {
    if (this.end !== null) return formatCursor(this.epoch, this.history.last);
    const offset = this.history.last + 1;
    const item: Published<T> = { id: formatCursor(this.epoch, offset), offset, value, at: asyncScheduler.now() };
    this.history.add(item);
    this.pending.push(item);
    this.tell();
    return item.id;
  }

  /** Everything behind a cursor, or the news that it cannot be told. */
  since(cursor: string): Replay<T> {
    this.history.expire(asyncScheduler.now());
    const { epoch } = this;
    const from = parseCursor(cursor);
    const recovered = from !== null && from.epoch === epoch && this.history.covers(from.offset);
    return { recovered, items: recovered ? this.history.after(from.offset) : [], epoch, offset: this.history.last };
  }

  follow(cursor: string | undefined, latest: number = 0, follower: Follower<T>): Unfollow {
    const replay = this.replayFor(cursor, latest);
    const following: Following<T> = { follower, from: replay.offset, isOver: false };
    this.followers.add(following);
    const isOuter = !this.isTelling;
    this.isTelling = true; // what is published by those who hear the replay comes behind it
    guard(() => follower.onReplay(replay));
    if (isOuter) {
      this.isTelling = false;
      this.tell();
    }
    if (this.end !== null && !this.isTelling) this.tellEnd(following);
    return () => {
      following.isOver = true;
      this.followers.delete(following);
    };
  }

  /** Nothing more is published; what was is told first. Any number of times. */
  complete(): void {
    this.finish({ error: undefined, hasFailed: false });
  }

  error(error: unknown): void {
    this.finish({ error, hasFailed: true });
  }

  private finish(end: { readonly error: unknown; readonly hasFailed: boolean }): void {
    if (this.end !== null) return;
    this.end = end;
    this.tell();
  }

  private replayFor(cursor: string | undefined, latest: number): Replay<T> {
    if (cursor !== undefined) {
      const replay = this.since(cursor);
      return replay.recovered ? replay : { ...replay, items: this.latest(latest) };
    }
    this.history.expire(asyncScheduler.now());
    return { recovered: true, items: this.latest(latest), epoch: this.epoch, offset: this.history.last };
  }

  private latest(count: number): Published<T>[] {
    return this.history.after(this.history.last - count);
  }

  private tell(): void {
    if (this.isTelling) return;
    this.isTelling = true;
    for (let at = 0; at < this.pending.length; at++) {
      const item = this.pending[at];
      for (const following of this.followers) {
        // One that came while others were being told has had this item in its replay.
        if (item.offset > following.from && !following.isOver) tellItem(following.follower, item);
      }
    }
    this.pending = [];
    this.isTelling = false;
    if (this.end !== null) for (const following of this.followers) this.tellEnd(following);
  }

  private tellEnd(following: Following<T>): void {
    const { end } = this;
    if (end === null || following.isOver) return;
    following.isOver = true;
    this.followers.delete(following);
    guard(() => (end.hasFailed ? following.follower.onError(end.error) : following.follower.onEnd()));
  }
}

interface Following<T> {
  readonly follower: Follower<T>;
  /** Offset up to which the replay went. */
  readonly from: number;
  isOver: boolean;
}

/** `guard`, without a function for each item and follower. */
const tellItem = <T>(follower: Follower<T>, item: Published<T>): void => {
  try {
    follower.onPublished(item);
  } catch (error) {
    reportUnhandled(error);
  }
};

const guard = (call: () => void): void => {
  try {
    call();
  } catch (error) {
    reportUnhandled(error);
  }
};

/** As RxJS does with what nobody listens to: `config.onUnhandledError`, or an uncaught exception in a later turn. */
const reportUnhandled = (error: unknown): void => {
  throwError(() => error).subscribe();
};
