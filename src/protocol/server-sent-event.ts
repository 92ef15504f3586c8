/**
 * Events as text, WHATWG HTML §9.2.5 and §9.2.6: what a client that parses by the letter reads is what was said here.
 *
 * Owns: which values can be said at all, and their lines. Leaves: the stream to `feeds/`. Nothing is parsed here.
 */
import { HandlerError, messageOf } from '../errors.js';

/** One event of a `text/event-stream`. */
export interface ServerSentEvent<D = string> {
  /**
   * LF, CR LF and CR all end a line, and the client joins the lines with LF. Without data, and without `event`, nothing is
   * dispatched; `id` and `retry` count all the same.
   */
  readonly data?: D | undefined;
  /** The type under which the client dispatches it; without CR and LF. Default: `message`. */
  readonly event?: string | undefined;
  /** What the client says as `last-event-id` when it comes back; without NUL, CR and LF. An empty one makes it say nothing. */
  readonly id?: string | undefined;
  /** Milliseconds that the client waits before it comes back, from now on; an integer, not negative. */
  readonly retry?: number | undefined;
  /** For those who read the stream itself; may have lines. */
  readonly comment?: string | undefined;
}

export const EVENT_STREAM_TYPE = 'text/event-stream';
/** A comment without a word: keeps proxies from taking a silent stream for a dead one, WHATWG HTML §9.2.7. */
export const HEARTBEAT_COMMENT = ':\n\n';

/**
 * One event, with the empty line that dispatches it.
 *
 * @throws {@link HandlerError} `RHK_BAD_EVENT` for what no client could read back: an `id` with NUL, CR or LF, an `event` with
 *   CR or LF, a `retry` that is no integer from 0 on, data that is no text.
 */
export const formatEvent = (event: ServerSentEvent | string): string => {
  if (typeof event === 'string') return `${dataLines(event)}\n`;
  if (typeof event !== 'object' || event === null)
    throw new HandlerError('RHK_BAD_EVENT', `an event is ${messageOf(event)}, not text or an object`);
  const { data, event: type, id, retry, comment } = event;
  let text = '';
  if (comment !== undefined) text += linesOf(textOf('comment', comment), ':');
  if (retry !== undefined) text += retryLine(retry);
  if (id !== undefined) text += `id: ${checked('id', id, /[\0\r\n]/)}\n`;
  if (type !== undefined && type !== '') {
    // An event without data is not dispatched: one that has a type was meant to be.
    return `${text}event: ${checked('event', type, /[\r\n]/)}\n${dataLines(data === undefined ? '' : textOf('data', data))}\n`;
  }
  if (data !== undefined) text += dataLines(textOf('data', data));
  return `${text}\n`;
};

/** @throws {@link HandlerError} `RHK_BAD_EVENT` */
export const retryLine = (milliseconds: number): string => {
  if (Number.isSafeInteger(milliseconds) && milliseconds >= 0) return `retry: ${milliseconds}\n`;
  throw new HandlerError('RHK_BAD_EVENT', `retry of an event is ${messageOf(milliseconds)}, must be milliseconds: an integer from 0 on`);
};

const LINE_END = /\r\n|\r|\n/;

const dataLines = (data: string): string => linesOf(data, 'data:');

/** The space behind the colon is the one that the client takes away. */
const linesOf = (text: string, field: string): string => {
  if (!text.includes('\n') && !text.includes('\r')) return `${field} ${text}\n`;
  let lines = '';
  for (const line of text.split(LINE_END)) lines += `${field} ${line}\n`;
  return lines;
};

const textOf = (field: string, value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new HandlerError('RHK_BAD_EVENT', `${field} of an event is a ${typeof value}, not text; a codec makes text of values`);
};

const checked = (field: string, value: unknown, forbidden: RegExp): string => {
  const text = textOf(field, value);
  if (!forbidden.test(text)) return text;
  throw new HandlerError('RHK_BAD_EVENT', `${field} of an event is ${JSON.stringify(text)}, which no client could read back`);
};
