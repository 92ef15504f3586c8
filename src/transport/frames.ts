/**
 * Frames as they leave, without mask and without extensions, RFC 6455 §5.2, §5.5.1: latin1 text where that is one piece with its header,
 * else bytes. Leaves: what is compressed to the sender of `ws`.
 */
import type { EncodedMessage } from '../protocol/encoded-message.js';
import { LONG } from './outbox.js';
import { Parts } from './ws-parts.js';

export const Opcode = { TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** A text message up to this that is US-ASCII leaves together with its header as one string. */
const MAX_JOINED_TEXT = 16_384;
/** Short headers as latin1 text, by opcode and length. */
const shortHeaders = new Map<number, string>();
const MAX_SHORT_LENGTH = 125;

const headerOf = (opcode: number, length: number): Buffer =>
  Parts.Sender.frame({ length }, { fin: true, rsv1: false, opcode, mask: false, readOnly: true })[0];

const headerText = (opcode: number, length: number): string => {
  if (length > MAX_SHORT_LENGTH) return headerOf(opcode, length).toString('latin1');
  const key = opcode * 128 + length;
  let text = shortHeaders.get(key);
  if (text === undefined) {
    text = headerOf(opcode, length).toString('latin1');
    shortHeaders.set(key, text);
  }
  return text;
};

/** One frame for one message. */
export const frameOf = (message: string | Uint8Array): string | readonly Uint8Array[] => {
  if (typeof message !== 'string') return framesOf(Opcode.BINARY, message);
  const length = Buffer.byteLength(message);
  if (length === message.length && length <= MAX_JOINED_TEXT) return headerText(Opcode.TEXT, length) + message;
  return framesOf(Opcode.TEXT, Buffer.from(message));
};

/** A frame that many will be sent: long ones as bytes in one piece, which no client needs a copy of. */
export const sharedFrameOf = ({ message, octets }: EncodedMessage): string | readonly Uint8Array[] => {
  if (typeof message !== 'string' || octets < LONG) return frameOf(message);
  const header = headerOf(Opcode.TEXT, octets);
  const frame = Buffer.allocUnsafeSlow(header.length + octets); // of its own: a pool would be kept as long as the slowest client
  header.copy(frame);
  frame.write(message, header.length);
  return [frame];
};

export const framesOf = (opcode: number, data: Uint8Array): readonly Uint8Array[] =>
  data.length === 0 ? [headerOf(opcode, 0)] : [headerOf(opcode, data.length), data];

export const closePayload = (code: number, reason: string): Buffer => {
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
};
