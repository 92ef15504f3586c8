/**
 * A piece that is sent to one client after the other is made a chunk once, RFC 9112 §7.1: a fan-out to 2 000 clients measures,
 * encodes and joins its text once instead of 2 000 times.
 */
import { chunkSizeLine, flat } from '../protocol/response-head.js';
import { LONG } from './outbox.js';

/** What is larger costs more to compare and to keep than it saves. */
const MAX_LENGTH = 16_384;

let latest = '';
let latestChunk: string | Buffer = '';

/**
 * The whole chunk: as latin1 text, each character an octet, whatever the piece is made of; as bytes where it is long. `null` where
 * the piece is not the one that was asked for last, as most are not.
 */
export const sharedChunk = (piece: string): string | Buffer | null => {
  if (piece !== latest) {
    if (piece.length <= MAX_LENGTH) {
      latest = piece;
      latestChunk = '';
    }
    return null;
  }
  if (latestChunk === '') latestChunk = chunkOf(piece);
  return latestChunk;
};

const chunkOf = (piece: string): string | Buffer => {
  const length = Buffer.byteLength(piece);
  const sizeLine = chunkSizeLine(length);
  if (length < LONG) return flat(`${sizeLine}${Buffer.from(piece).toString('latin1')}\r\n`);
  const chunk = Buffer.allocUnsafeSlow(sizeLine.length + length + 2); // of its own: a pool would be kept as long as the slowest client
  const end = chunk.write(sizeLine, 0, 'latin1');
  chunk.write(piece, end);
  chunk.write('\r\n', end + length, 'latin1');
  return chunk;
};
