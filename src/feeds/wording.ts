/** How a streamed feed says what it has to say: as server-sent events, or as lines of JSON. */
import { EVENT_STREAM_TYPE, formatEvent, HEARTBEAT_COMMENT, retryLine } from '../protocol/server-sent-event.js';
import type { EncodedItem } from './encoded-item.js';

export interface Wording {
  readonly contentType: string;
  /** Where a client stands that has come for the first time: it must not come back without a cursor. */
  position(cursor: string): string;
  /** What a client has missed is lost: it begins anew at this cursor. */
  reset(cursor: string): string;
  item<T>(item: EncodedItem<T>): string;
  /** In another order than that of the ids. */
  itemWithoutId<T>(item: EncodedItem<T>): string;
  readonly heartbeat: string;
  /** The source has ended. */
  ended(retryMs: number): string;
  /** The server ends this stream; the client should come back. */
  restart(retryMs: number): string;
}

const retry = (retryMs: number): string => `${retryLine(retryMs)}\n`;

export const serverSentEvents: Wording = {
  contentType: EVENT_STREAM_TYPE,
  position: (cursor) => formatEvent({ id: cursor }),
  reset: (cursor) => formatEvent({ event: 'reset', id: cursor, data: JSON.stringify({ cursor }) }),
  item: (item) => item.serverSent,
  itemWithoutId: (item) => item.serverSentWithoutId,
  heartbeat: HEARTBEAT_COMMENT,
  ended: retry,
  restart: retry,
};

const line = (value: object): string => `${JSON.stringify(value)}\n`;

export const jsonLines: Wording = {
  contentType: 'application/x-ndjson',
  position: (cursor) => line({ cursor }),
  reset: (cursor) => line({ reset: true, cursor }),
  item: (item) => item.line,
  itemWithoutId: (item) => item.lineWithoutId,
  heartbeat: '\n',
  ended: () => line({ ended: true }),
  restart: (retryMs) => line({ retryMs }),
};
