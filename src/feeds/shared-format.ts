/**
 * Makes text of an event once where it is told to one client after the other: to 2,000 clients, sse-fan-out, that was most of what an
 * event stream costs by itself. Whether it is the same event is found out by its fields: an application may change an object and tell
 * it again.
 */
import { formatEvent, type ServerSentEvent } from '../protocol/server-sent-event.js';

/** What is larger costs more to keep than it saves. */
const MAX_LENGTH = 16_384;
const NOTHING: ServerSentEvent = {};

export class SharedFormat {
  private latest: ServerSentEvent;
  private latestText: string;

  constructor() {
    this.latest = NOTHING;
    this.latestText = formatEvent(NOTHING);
  }

  /** @throws {@link HandlerError} `RHK_BAD_EVENT` */
  textOf(told: ServerSentEvent | string): string {
    if (typeof told !== 'string' && (typeof told !== 'object' || told === null)) return formatEvent(told);
    const { data, event, id, retry, comment } = typeof told === 'string' ? { ...NOTHING, data: told } : told;
    const { latest } = this;
    const isLatest =
      data === latest.data && id === latest.id && event === latest.event && retry === latest.retry && comment === latest.comment;
    if (isLatest) return this.latestText;
    const copy = { data, event, id, retry, comment };
    const text = formatEvent(copy);
    if (text.length > MAX_LENGTH) return text;
    this.latest = copy;
    this.latestText = text;
    return text;
  }
}
