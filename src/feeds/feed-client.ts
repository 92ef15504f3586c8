/** What all clients of a feed have in common, whatever way they are told. */
import { formatCursor } from '../rx/replay/cursor.js';
import type { Replay, Replayable } from '../rx/replay/replayable.js';
import type { HttpRequest } from '../rx/request.js';
import type { Drainer } from './drainer.js';
import type { EncodedItems } from './encoded-item.js';
import type { FeedCounter } from './feed-counter.js';
import type { Heartbeats } from './heartbeats.js';

/** One feed, as its clients see it. */
export interface FeedHost<T> {
  readonly items: EncodedItems<T>;
  readonly drainer: Drainer;
  readonly counter: FeedCounter;
  /** Items that a client gets that comes for the first time; `undefined` leaves it to the source. */
  readonly replay: number | undefined;
  readonly heartbeats: Heartbeats;
  /** `retry` where it was asked for, at the start of a stream of events. */
  readonly greeting: string;
  /** A client may be told of items in another order than that of their ids. */
  readonly isConflating: boolean;
  /** Close code for WebSockets when the server drains. */
  readonly restartCode: number;
  readonly pollTimeoutMs: number;
  readonly maxPollItems: number;
  /** The source has failed: told once to those who watch the server, however many clients there are. */
  reportFailure(request: HttpRequest, error: unknown): void;
}

/** One request, and what it asks for. */
export interface Visit<T> {
  readonly request: HttpRequest;
  readonly source: Replayable<T>;
  readonly cursor: string | undefined;
}

/** The cursor of a client that has everything but what the replay holds. */
export const cursorBefore = <T>({ items, epoch, offset }: Replay<T>): string =>
  formatCursor(epoch, items.length === 0 ? offset : items[0].offset - 1);
