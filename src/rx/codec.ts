/** Values on both ends of a channel. */

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

/** JSON text, as RxJS's own client `webSocket()` speaks it without configuration. */
export const json: Codec<any, any> = {
  // any: as JSON.parse, the values are the application's
  encode: (value: unknown) => JSON.stringify(value),
  decode: (message) => JSON.parse(message.toString()),
  contentType: 'application/json',
};

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
