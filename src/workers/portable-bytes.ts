/**
 * Bytes on their way to another thread.
 *
 * Owns: whether they go as text, as a copy or as they are. Leaves: when they go, to `message-batch.ts`.
 */

/** Bytes as they cross: few of them as latin1 text in a list of its own, more as an array that is nobody else's. */
export type PortableBytes = Uint8Array | readonly [latin1: string];

/** Text stays text. */
export type PortablePiece = string | PortableBytes;

/** Up to this, bytes cross as text, which costs no array on either side: 256 octets in 2 µs instead of 4; at 1 KiB nothing is gained. */
const MAX_AS_TEXT = 512;

/** From this on a copy that is given away costs less than one that is cloned: 256 KiB in 0.1 ms instead of 0.2. */
const MIN_TRANSFERRED = 16_384;

/**
 * @param isOurs - Nobody else will look at these bytes: they are given away themselves where they have a memory of their own.
 *   An application's are copied, as it may send the same ones again.
 * @param transferred - Gets the memory that is given away with the message.
 */
export const portableBytes = (bytes: Uint8Array, isOurs: boolean, transferred: ArrayBuffer[]): PortableBytes => {
  if (bytes.length <= MAX_AS_TEXT) {
    return [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')];
  }
  const { buffer } = bytes;
  if (isOurs && bytes.byteLength === buffer.byteLength && buffer instanceof ArrayBuffer && bytes.length >= MIN_TRANSFERRED) {
    transferred.push(buffer);
    return bytes;
  }
  const copy = new Uint8Array(bytes); // cloning a view would clone all of the memory that it looks at
  if (copy.length >= MIN_TRANSFERRED) transferred.push(copy.buffer);
  return copy;
};

export const bytesFrom = (portable: PortableBytes): Buffer =>
  portable instanceof Uint8Array
    ? Buffer.from(portable.buffer, portable.byteOffset, portable.byteLength)
    : Buffer.from(portable[0], 'latin1');

export const pieceFrom = (portable: PortablePiece): string | Buffer => (typeof portable === 'string' ? portable : bytesFrom(portable));
