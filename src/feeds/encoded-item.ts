/**
 * One item of a feed in all the forms in which clients are told of it. Each form is made for the first client that needs it, and
 * shared by all others.
 */
import { HandlerError } from '../errors.js';
import { EncodedMessage } from '../protocol/encoded-message.js';
import { formatEvent } from '../protocol/server-sent-event.js';
import type { Codec } from '../rx/channels/codec.js';
import type { Published } from '../rx/replay/replayable.js';

/** A WebSocket frame that knows what it was made of, for overflow policies. */
export class ItemFrame<T> extends EncodedMessage {
  readonly value: T;

  constructor(message: string, value: T) {
    super(message);
    this.value = value;
  }
}

export class EncodedItem<T> {
  readonly id: string;
  readonly value: T;
  /** What the codec made of the value. */
  private readonly text: string;
  private readonly event: string | undefined;
  private readonly isJson: boolean;
  private eventText: string | null;
  private envelopeText: string | null;
  private lineText: string | null;
  private wholeFrame: ItemFrame<T> | null;
  private eventTextWithoutId: string | null;
  private lineTextWithoutId: string | null;
  private wholeFrameWithoutId: ItemFrame<T> | null;

  constructor(published: Published<T>, text: string, isJson: boolean, event: string | undefined) {
    this.id = published.id;
    this.value = published.value;
    this.text = text;
    this.event = event;
    this.isJson = isJson;
    this.eventText = null;
    this.envelopeText = null;
    this.lineText = null;
    this.wholeFrame = null;
    this.eventTextWithoutId = null;
    this.lineTextWithoutId = null;
    this.wholeFrameWithoutId = null;
  }

  /** A server-sent event. */
  get serverSent(): string {
    return (this.eventText ??= formatEvent({ id: this.id, event: this.event, data: this.text }));
  }

  /** `{"id":…,"data":…}`. */
  get envelope(): string {
    return (this.envelopeText ??= `{"id":${JSON.stringify(this.id)},"data":${this.json}}`);
  }

  /** A line of NDJSON. */
  get line(): string {
    return (this.lineText ??= `${this.envelope}\n`);
  }

  get frame(): ItemFrame<T> {
    return (this.wholeFrame ??= new ItemFrame(this.envelope, this.value));
  }

  // Without an id, for clients that are told of items in another order than that in which they were published: all the slow ones of
  // a feed that conflates, in whose queues these forms wait.

  get serverSentWithoutId(): string {
    return (this.eventTextWithoutId ??= formatEvent({ event: this.event, data: this.text }));
  }

  get lineWithoutId(): string {
    return (this.lineTextWithoutId ??= `{"data":${this.json}}\n`);
  }

  get frameWithoutId(): ItemFrame<T> {
    return (this.wholeFrameWithoutId ??= new ItemFrame(`{"data":${this.json}}`, this.value));
  }

  private get json(): string {
    return this.isJson ? this.text : JSON.stringify(this.text);
  }
}

/** The encoded items of one feed. They are kept as long as their source keeps the items. */
export class EncodedItems<T> {
  private readonly codec: Pick<Codec<unknown, T>, 'encode' | 'contentType'>;
  private readonly event: string | undefined;
  private readonly isJson: boolean;
  /** `null` for what could not be encoded. */
  private readonly known: WeakMap<Published<T>, EncodedItem<T> | null>;
  /** All clients are told of an item before the next: most look for the one that was found last. */
  private latest: Published<T> | null;
  private latestEncoded: EncodedItem<T> | null;

  constructor(codec: Pick<Codec<unknown, T>, 'encode' | 'contentType'>, event: string | undefined) {
    this.codec = codec;
    this.event = event;
    this.isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(codec.contentType ?? '');
    this.known = new WeakMap();
    this.latest = null;
    this.latestEncoded = null;
  }

  /**
   * @param report - Told once of an item that cannot be encoded.
   * @returns `null` for such an item: no client is told of it, and all see the gap in the ids.
   */
  of(published: Published<T>, report: (error: unknown) => void): EncodedItem<T> | null {
    if (published === this.latest) return this.latestEncoded;
    let encoded = this.known.get(published);
    if (encoded === undefined) {
      encoded = this.encode(published, report);
      this.known.set(published, encoded);
    }
    this.latest = published;
    this.latestEncoded = encoded;
    return encoded;
  }

  private encode(published: Published<T>, report: (error: unknown) => void): EncodedItem<T> | null {
    try {
      const text: unknown = this.codec.encode(published.value);
      if (typeof text !== 'string') throw new TypeError(`the codec made a ${typeof text} of it, not text`);
      if (/[\0\r\n]/.test(published.id)) throw new TypeError('no client could read its id back');
      return new EncodedItem(published, text, this.isJson, this.event);
    } catch (cause) {
      report(
        new HandlerError('RHK_HANDLER_FAILED', `item ${published.id} of a feed could not be encoded, no client is told of it`, { cause }),
      );
      return null;
    }
  }
}
