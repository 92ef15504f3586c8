/**
 * The parts of `ws` that are used here, and the one file that imports it: its types know only the whole.
 *
 * Owns: how `ws` is spoken to. Leaves: what is said to `websocket-session.ts`.
 */
import type { Writable } from 'node:stream';
import * as ws from 'ws';

/** Parameters of one offer of an extension: each name with all its values, `true` for none. */
export type DeflateOffer = Record<string, (string | true)[]>;

interface WsParts {
  readonly Receiver: new (options: ReceiverOptions) => ReceiverPart;
  readonly Sender: {
    new (socket: FrameSocket, extensions: Record<string, PerMessageDeflate>): Sender;
    frame(data: { length: number }, options: object): Buffer[];
  };
  readonly PerMessageDeflate: { new (options: object): PerMessageDeflate; readonly extensionName: string };
  readonly extension: {
    parse(field: string): Record<string, DeflateOffer[]>;
    format(extensions: Record<string, (object | null)[]>): string;
  };
}

/** What a sender needs of a socket. */
export interface FrameSocket {
  /** Read when a compression is done, or broken off. */
  destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(data: string | Uint8Array, callback?: () => void): void;
}

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly extensions: Record<string, PerMessageDeflate>;
}

/** The receiver has used what it was fed. */
export type FedCallback = (error?: (Error & { code?: string }) | null) => void;

interface ReceiverPart extends Writable {
  _write(bytes: Buffer, encoding: BufferEncoding, callback: FedCallback): void;
}

/** Compresses messages, one behind the other, and writes frames. */
export interface Sender {
  send(message: string | Uint8Array, options: object, callback: () => void): void;
  ping(data: Buffer, mask: boolean): void;
  pong(data: Buffer, mask: boolean): void;
  close(code: number | undefined, reason: string, mask: boolean, callback: () => void): void;
}

/** Compression of one connection. */
export interface PerMessageDeflate {
  readonly params: object | null;
  accept(offers: object[]): object;
  decompress(data: Buffer, isLast: boolean, callback: (error: Error | null, message?: Buffer) => void): void;
  cleanup(): void;
}

export const Parts: WsParts = ws as unknown as WsParts; // exported by `ws` since 8.19, not by its types

/** A receiver that is fed directly: a `Writable`'s own queue and its ticks would cost more than the frames. */
export class FrameReceiver extends Parts.Receiver {
  feed(bytes: Buffer, callback: FedCallback): void {
    this._write(bytes, 'binary', callback);
  }
}
