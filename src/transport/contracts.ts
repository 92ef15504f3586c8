/**
 * The narrow waist: what the engine needs of the world below (sockets, clocks) and offers to the floor above (exchanges).
 * Interfaces only. `net.Socket` is a `ByteStream` as it stands; the in-memory twin for virtual time is another.
 */
import type { HttpKitError } from '../errors.js';
import type { EncodedMessage } from '../protocol/encoded-message.js';
import type { Fields, ReceivedHead } from '../protocol/request-head.js';
import type { HeadLimits } from '../protocol/request-parser.js';
import type { ResponseHeaders } from '../protocol/response-head.js';

/**
 * One accepted connection's bytes. Half-open is allowed: `end` from the peer does not end our side.
 *
 * Nothing is delivered before somebody listens to `data`, nothing within a call of ours. `pause` keeps data back, but neither
 * an `end` that no data stands before, nor a reset: who is interested in these listens from the beginning.
 */
export interface ByteStream {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly destroyed: boolean;
  /** Octets accepted by `write` and not released yet; 0 within the call where the system takes all at once. */
  readonly writableLength: number;
  /** `write` returned false and `drain` has not come yet. Never of a stream that has ended or is destroyed. */
  readonly writableNeedDrain: boolean;
  write(text: string, encoding: 'latin1'): boolean;
  write(bytes: Uint8Array): boolean;
  /** Between the two, writes are gathered into one. */
  cork(): void;
  uncork(): void;
  pause(): unknown;
  resume(): unknown;
  /** Sends FIN behind all that was written. */
  end(): unknown;
  /** Closes when all that was written has left. */
  destroySoon(): void;
  destroy(): unknown;
  /** Closes with RST, so that a peer who reads until the end does not take a cut for an end. */
  resetAndDestroy(): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'end' | 'drain' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Stops what it was returned for; any number of times. */
export type Cancel = () => void;

/** All time that the server knows. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  after(milliseconds: number, action: () => void): Cancel;
  every(milliseconds: number, action: () => void): Cancel;
  /** Runs `action` when the current turn of the event loop is over, before any I/O. */
  endOfTurn(action: () => void): void;
  /** Runs `action` in a later turn, after I/O had its chance. */
  nextTurn(action: () => void): void;
}

/** Where connections come from. */
export interface Acceptor {
  /** Starts to listen. In a later turn one of `onListening` and `onError` follows, or `onClosed` alone after an early `close`. */
  open(listener: AcceptorListener): void;
  /** Stops listening; open connections live on. Any number of times. */
  close(): void;
}

export interface AcceptorListener {
  onListening(address: BoundAddress): void;
  onConnection(stream: ByteStream): void;
  /** Could not bind (nothing else follows), or could not accept a connection. */
  onError(error: Error): void;
  /** A connection was refused because `maxConnections` are open. */
  onRefused(): void;
  /** Nothing listens any more and every connection is destroyed; the last may not have told of its `close` yet. */
  onClosed(): void;
}

/** Where a server listens: a TCP address, or the path of a Unix socket. */
export interface BoundAddress {
  readonly ip: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
}

/** What the engine must know of its options; all have been checked. */
export interface WireLimits extends HeadLimits {
  /** Octets of a request body. */
  readonly maxBody: number;
  /** Octets of a WebSocket message, after inflation. */
  readonly maxWs: number;
  /** Octets that may wait for one client when they were pushed. */
  readonly maxBufferedBytes: number;
  readonly maxRequestsPerConnection: number;
  readonly headTimeoutMs: number;
  readonly bodyMinBytesPerSecond: number;
  readonly keepAliveTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** Value of the `server` field; `null` for none. */
  readonly serverHeader: string | null;
}

/** Both ends of a connection, as the operating system names them; empty for a Unix socket. */
export interface Peer {
  readonly remoteAddr: string;
  readonly remotePort: number | undefined;
  readonly localAddr: string;
  readonly localPort: number | undefined;
}

/** Takes the bytes of one request body. */
export interface BodySink {
  /** A view into the bytes that were received; nobody else writes to them. */
  onData(bytes: Buffer): void;
  onEnd(): void;
  onError(error: HttpKitError): void;
}

/** The body of one request. Nothing is read from the socket for it unless somebody reads here. */
export interface BodyPort {
  /** May be called once; `isUsed` tells. */
  read(sink: BodySink): void;
  readonly isUsed: boolean;
  pause(): void;
  resume(): void;
  /** The reader has lost interest; the rest is skipped or the connection closes, after the reply. */
  cancel(): void;
  /** Empty until the body has ended. */
  readonly trailers: Fields | undefined;
}

/** Why an exchange ended without its answerer having ended it. */
export type Settlement = 'gone' | 'answered';

/** How messages are compressed, RFC 7692. */
export interface DeflateOptions {
  /** Octets below which a message is sent as it is. */
  readonly threshold: number;
  /** Compressions and decompressions at a time, over all connections. */
  readonly concurrencyLimit: number;
}

/** What turns an exchange into a WebSocket. */
export interface UpgradeOptions {
  /** `sec-websocket-key` of the request. */
  readonly key: string;
  /** The subprotocol that was chosen. */
  readonly protocol: string | undefined;
  /** More fields for the 101. */
  readonly headers: ResponseHeaders | undefined;
  /** `sec-websocket-extensions` of the request. */
  readonly extensions: string | undefined;
  readonly deflate: DeflateOptions | null;
  /** Octets of a message after inflation; past it 1009. The server's where it is `undefined`. */
  readonly maxWs: number | undefined;
  /** Milliseconds without a byte of progress after which the client is pinged, and again after which it is closed. */
  readonly heartbeatMs: number;
  /** Milliseconds that the client has for its half of the closing handshake. */
  readonly closeTimeoutMs: number;
}

/** Who ended a WebSocket, and how. */
export interface FrameClose {
  readonly code: number;
  readonly reason: string;
  readonly by: 'client' | 'server';
}

/** Takes what a WebSocket client says, in its order. */
export interface FrameListener {
  onMessage(message: string | Buffer): void;
  onPing(data: Buffer): void;
  /** The client has sent its close frame. What is owed may still be sent; `close` answers it. */
  onPeerClose(close: FrameClose): void;
  /** Nothing can be sent any more. Called once; the first cause counts. */
  onClosed(close: FrameClose): void;
  /** Credit is back after `send` returned false. */
  onDrain(): void;
}

/** One WebSocket. */
export interface FramePort {
  /** Octets that the client has not taken yet. */
  readonly waiting: number;
  /** Messages are delivered only while they are wanted. */
  demand(wants: boolean): void;
  /** @returns false when the client's credit is used up: what can wait should, until `onDrain`. */
  send(message: string | Uint8Array | EncodedMessage): boolean;
  /** Sends a close frame, once. `code` 1005 sends an empty one. */
  close(code: number, reason: string): void;
}

/** One request, and the place where its reply goes. */
export interface ExchangePort {
  readonly head: ReceivedHead;
  readonly peer: Peer;
  /** `null` where the request has no body. */
  readonly body: BodyPort | null;
  /** The response head cannot be changed any more. */
  readonly isHeadSent: boolean;
  /** Set by who wants a client that closes its half to count as gone: an HTTP channel. */
  endsWithInput: boolean;
  /** Set by who has made a channel of it. */
  hasChannel: boolean;
  /** Nothing can be answered any more: answered, cut, or the client has gone. */
  readonly isSettled: boolean;
  /**
   * Fixes status and fields of the response; a missing content-type follows from the first piece. They leave when the turn ends, or with `end` before that. While the head
   * has not been sent, a second `begin` replaces the first and what was written.
   *
   * @throws HandlerError `RHK_BAD_STATUS`, `RHK_BAD_HEADER`; nothing has begun then.
   */
  begin(status: number, headers: ResponseHeaders | undefined): void;
  /**
   * Writes a piece of the body. Empty pieces vanish.
   *
   * @returns false when the client's credit is used up: a source that can wait should, until `onDrain`.
   */
  write(piece: string | Uint8Array): boolean;
  end(): void;
  /**
   * Answers 101 and makes the connection a WebSocket, instead of `begin`.
   *
   * @throws ProtocolError `RHK_BAD_HANDSHAKE` for malformed extensions; nothing has been sent then.
   */
  upgrade(options: UpgradeOptions, listener: FrameListener): FramePort;
  /** Breaks the reply off so that the client can tell. Without effect on a settled exchange. */
  cut(error: unknown): void;
  /** Tells those who watch the server of an error that no client is told of. */
  report(error: unknown): void;
  /** Called when credit is back after `write` returned false. */
  onDrain: (() => void) | null;
  /** Called once when the exchange ends by itself: the client has gone, or needs nothing more (HEAD). */
  onSettled: ((how: Settlement) => void) | null;
  /** Milliseconds until what still runs is cut, as the server drains; `null` while it does not. */
  readonly drainingMs: number | null;
  /**
   * Called once when the server begins to drain, with those milliseconds. Who listens ends in time by itself: its WebSocket is
   * not closed with 1001.
   */
  onDraining: ((withinMs: number) => void) | null;
  /** Set by who has been told while the server drains already: as if it had listened before. */
  endsByItself: boolean;
}

/** Who hears of a connection's requests. */
export interface ConnectionListener {
  /** One at a time: the next comes when this one has been answered. */
  onExchange(exchange: ExchangePort): void;
  onClosed(): void;
}

/** One connection, seen from above. */
export interface ConnectionPort {
  readonly peer: Peer;
  /** Starts to read. Before this no byte is taken from the socket. */
  start(listener: ConnectionListener): void;
  /**
   * Takes no further request: closes at once when idle, else behind the reply that is owed.
   *
   * @param withinMs - Until it will be destroyed, for the exchange that wants to know; 0 tells it nothing.
   * @param firstRequestMs - How long one that has sent nothing yet may stay for its first request; 0, the default, closes it.
   */
  drain(withinMs: number, firstRequestMs?: number): void;
  /** Closes now. */
  destroy(): void;
}

/** What went wrong on the wire, for those who watch. */
export interface WireFault {
  readonly error: unknown;
  readonly peer: Peer | undefined;
  readonly head: ReceivedHead | undefined;
}
