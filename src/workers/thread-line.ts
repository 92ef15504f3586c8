/** The way from the main thread to one exchange in a worker. */
import type { PortableBytes, PortablePiece } from './portable-bytes.js';
import type { ToWorkerMessage } from './thread-messages.js';

export interface ThreadLine {
  add(message: ToWorkerMessage): void;
  /** Bytes for a message of this turn. `isOurs`: nobody else looks at them. */
  bytes(bytes: Uint8Array, isOurs: boolean): PortableBytes;
  piece(piece: string | Uint8Array): PortablePiece;
}
