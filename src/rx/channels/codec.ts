/** Values on both ends of a channel, and in replies. */
import { HandlerError, messageOf } from '../../errors.js';
import { type ReplyInit, withDefaultHeader } from '../reply-init.js';
import type { HttpResponse } from '../response.js';

/** What a WebSocket carries: a text frame, or a binary one. */
export type Message = string | Buffer;

/** How values become messages, and messages values. */
export interface Codec<I, O> {
  encode(value: O): string | Uint8Array;
  /** @throws for a message that is none of its own: the channel closes with 1007. */
  decode(message: Message): I;
  /** Content type of an HTTP channel that speaks this. */
  readonly contentType?: string;
}

/** Values as JSON, on a channel and in a reply: `{ codec: json }`, and `map((request) => json(answer))`. */
export interface JsonCodec extends Codec<any, any> {
  // any: as JSON.parse, the values are the application's
  /**
   * A reply of `application/json`.
   *
   * @throws {@link HandlerError} `RHK_BAD_REPLY` for what JSON has no word for: `undefined`, a function, a cycle.
   */
  (value: unknown, init?: ReplyInit): HttpResponse;
}

const JSON_TYPE = 'application/json';

const jsonReply = (value: unknown, init?: ReplyInit): HttpResponse => {
  const body = replyText(value);
  if (init === undefined) return { headers: JSON_HEADERS, body };
  return { status: init.status, headers: withDefaultHeader(init.headers, 'content-type', JSON_TYPE), body };
};

/** One for all: nobody writes to the headers of a response. */
const JSON_HEADERS: Readonly<Record<string, string>> = Object.freeze({ 'content-type': JSON_TYPE });

const replyText = (value: unknown): string => {
  try {
    return textOf(value);
  } catch (cause) {
    throw new HandlerError('RHK_BAD_REPLY', `a reply is no JSON: ${messageOf(cause)}`, { cause });
  }
};

/** JSON text, as RxJS's own client `webSocket()` speaks it without configuration; called, a reply of it. */
export const json: JsonCodec = Object.assign(jsonReply, {
  encode: (value: unknown) => JSON.stringify(value),
  decode: (message: Message) => JSON.parse(message.toString()) as unknown,
  contentType: JSON_TYPE,
});

/** One JSON text and a line feed for each value, as `application/x-ndjson` wants it: for streams over HTTP. */
export const ndjson: Codec<any, any> = {
  // any: as above
  encode: (value: unknown) => `${textOf(value)}\n`,
  decode: (message) => JSON.parse(message.toString()),
  contentType: 'application/x-ndjson',
};

/** @throws `TypeError` for what JSON has no word for. */
const textOf = (value: unknown): string => {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON has no word for a ${typeof value}`);
  return text;
};
