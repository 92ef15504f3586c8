/** What a virtual client can be told to send, as its octets: requests, frames, or anything. */

/** Raw octets (a string is sent as UTF-8), or one of the makers below. */
export type Sendable = string | Uint8Array;

/** Fields of a request that a client sends; `undefined` leaves a usual one out. */
export type SentFields = Readonly<Record<string, string | number | undefined>>;

/**
 * The octets of a request. `host: test` is added, and `content-length` where there is a body and no `transfer-encoding`.
 *
 * @example `sends: '-a', values: { a: sent('PUT', '/notes/1', { 'content-type': 'text/plain' }, 'text') }`
 */
export const sent = (method: string, target: string, fields: SentFields = {}, body: string | Uint8Array = ''): Buffer => {
  const octets = Buffer.from(body as string); // one overload for each
  const given = new Set(Object.keys(fields).map((name) => name.toLowerCase()));
  const isCounted = octets.length > 0 && !given.has('transfer-encoding') && !given.has('content-length');
  const usual: SentFields = { ...(given.has('host') ? {} : { host: 'test' }), ...(isCounted ? { 'content-length': octets.length } : {}) };
  const lines = Object.entries({ ...usual, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), octets]);
};

/** A GET request. */
export const get = (target: string, fields?: SentFields): Buffer => sent('GET', target, fields);

/** A HEAD request. */
export const head = (target: string, fields?: SentFields): Buffer => sent('HEAD', target, fields);

/** A POST request. A `content-length` of its own announces a body that is still to come. */
export const post = (target: string, body: string | Uint8Array = '', fields?: SentFields): Buffer => sent('POST', target, fields, body);

/** A WebSocket handshake, RFC 6455 §4.1, that offers no compression: that is not done in virtual time. */
export const upgrade = (target: string, fields: SentFields = {}): Buffer =>
  sent('GET', target, {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': 13,
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  });

const Opcode = { TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** A text frame. */
export const text = (message: string): Buffer => frameOf(Opcode.TEXT, Buffer.from(message));

/** A binary frame. */
export const binary = (message: Uint8Array): Buffer => frameOf(Opcode.BINARY, message);

export const ping = (data: string = ''): Buffer => frameOf(Opcode.PING, Buffer.from(data));

export const pong = (data: string | Uint8Array = ''): Buffer => frameOf(Opcode.PONG, Buffer.from(data as string)); // one overload for each

/** A close frame; without a code an empty one. */
export const closing = (code?: number, reason: string = ''): Buffer => {
  if (code === undefined) return frameOf(Opcode.CLOSE, Buffer.alloc(0));
  return frameOf(Opcode.CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));
};

/** Any will do, RFC 6455 §5.3; always the same, so that a test is. */
const MASK = [0x37, 0xfa, 0x21, 0x3d];

/** One whole frame, masked as a client must, RFC 6455 §5.2, §5.3. */
const frameOf = (opcode: number, payload: Uint8Array): Buffer => {
  const { length } = payload;
  const lengthOctets = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(6 + lengthOctets + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (lengthOctets === 0 ? length : lengthOctets === 2 ? 126 : 127);
  if (lengthOctets === 2) frame.writeUInt16BE(length, 2);
  if (lengthOctets === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(MASK, 2 + lengthOctets);
  for (let i = 0; i < length; i++) frame[6 + lengthOctets + i] = payload[i] ^ MASK[i & 3];
  return frame;
};
