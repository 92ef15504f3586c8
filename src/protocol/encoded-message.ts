/** A WebSocket message whose frame is made once, however many clients get it. */

/** Made by `encodeOnce`. */
export class EncodedMessage {
  readonly message: string | Uint8Array;
  /** The frame without extensions, made by the first client that is sent it: latin1 text, or bytes. */
  frame: string | readonly Uint8Array[] | null;
  /** Measured when it is first asked for; -1 before. */
  private measured: number;

  constructor(message: string | Uint8Array) {
    this.message = message;
    this.frame = null;
    this.measured = -1;
  }

  /** Octets of the message, without a frame. */
  get octets(): number {
    if (this.measured < 0) this.measured = measure(this.message);
    return this.measured;
  }
}

/**
 * A message to be sent to many channels: its frame is encoded for the first of them, and shared by the others.
 *
 * @example `const news = encodeOnce(JSON.stringify(event)); for (const channel of channels) channel.send(news);`
 */
export const encodeOnce = (message: string | Uint8Array): EncodedMessage => new EncodedMessage(message);

/** What can leave on a channel. */
export type Outgoing = string | Uint8Array | EncodedMessage;

/** Octets that a message has on the wire, without its frame. */
export const octetsOf = (message: Outgoing): number => (message instanceof EncodedMessage ? message.octets : measure(message));

const measure = (data: string | Uint8Array): number => (typeof data === 'string' ? Buffer.byteLength(data) : data.length);
