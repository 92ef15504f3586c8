/**
 * The end of a connection that has said, or is saying, its last words: FIN behind them, and time for the client to read them,
 * RFC 9112 §9.6.
 *
 * Owns: FIN, what still comes from a client that was told to go, the reply to a request that nobody above will see.
 * Leaves: when there is something to end, and the deadline of the rest, to `connection.ts`.
 */
import type { ProtocolError } from '../errors.js';
import { faultResponse } from '../protocol/fault-response.js';
import { ResponseFields } from '../protocol/response-head.js';
import type { ConnectionHost } from './connection-host.js';
import type { ByteStream } from './contracts.js';

/** After the last reply: a client that has not read it must not be reset. */
const MAX_LINGER_BYTES = 65_536;
export const LINGER_TICKS = 5;

export class LingeringClose {
  /** The last reply was broken off: the socket closes with it, so that the client can tell. */
  isCut: boolean;
  private readonly stream: ByteStream;
  private isEnded: boolean;
  private received: number;

  constructor(stream: ByteStream) {
    this.isCut = false;
    this.stream = stream;
    this.isEnded = false;
    this.received = 0;
  }

  /** All that is owed has been given to the socket. @returns Whether this is news: from now on the client has its time. */
  onAllGiven(): boolean {
    if (this.isEnded) return false;
    this.isEnded = true;
    if (this.isCut) this.stream.destroySoon();
    else this.stream.end();
    return true;
  }

  /** Dropped, for a while: a socket that closes with unread bytes in it resets what the client has not read yet. */
  onBytes(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.received > MAX_LINGER_BYTES) this.stream.destroy();
  }
}

/**
 * A whole reply that ends the connection, as latin1 text.
 *
 * @param isHead - Of a HEAD request: no content then, RFC 9110 §9.3.2.
 */
export const refusalText = (error: ProtocolError, isHead: boolean, host: ConnectionHost): string => {
  const fault = faultResponse(error);
  return (
    host.headStart(fault.status) +
    new ResponseFields(fault.headers).lines +
    'content-type: text/plain; charset=utf-8\r\n' +
    `content-length: ${fault.body.length}\r\nconnection: close\r\n\r\n` +
    (isHead ? '' : fault.body)
  );
};

/** RST, so that a client that reads until the end does not take a cut for an end. */
export const reset = (stream: ByteStream): void => {
  try {
    stream.resetAndDestroy();
  } catch {
    stream.destroy(); // a Unix socket knows no RST
  }
};
