/** http-kit's asynchronous channel: one object for HTTP streaming, long polling and WebSocket, and a Subject pair for RxJS. */
import type { Observable, Observer, Subscription } from 'rxjs';
import type { ChannelCounts, Drop } from '../queues/queue-gauge.js';
import type { HttpRequest } from '../request.js';

/** http-kit's words for how a channel ended. */
export type CloseStatus = 'normal' | 'going-away' | 'protocol-error' | 'unsupported' | 'unknown' | 'server-close' | 'client-close';

/** How a channel ended. */
export interface ChannelClose {
  /** The client's close code in http-kit's words; `server-close` when this side closed; `client-close` when an HTTP client left. */
  readonly status: CloseStatus;
  /** RFC 6455 §7.4; 1005 where a close frame had none, 1006 where there was no close frame; `undefined` on HTTP. */
  readonly code: number | undefined;
  readonly reason: string;
  readonly by: 'client' | 'server';
}

export interface SendOptions {
  /** End the channel behind this message. Default: true on HTTP, false on WebSocket. */
  readonly close?: boolean | undefined;
}

/**
 * As an Observable a channel emits what the client says, to all its subscribers, and completes when it is over; as an
 * Observer it sends. The socket is read only while somebody is subscribed; what arrives before the first subscriber waits
 * for it. Made by `asChannel` and `websocket`; what a listener throws closes it with 1011 and becomes an event.
 */
export interface Channel<I, O> extends Observable<I>, Observer<O> {
  /** The request that opened it. */
  readonly request: HttpRequest;
  /** The subprotocol that was agreed on; `undefined` where there is none, and on HTTP. */
  readonly protocol: string | undefined;
  readonly isWebSocket: boolean;
  /** False from the moment that either side has closed. */
  readonly isOpen: boolean;
  /** Emits how the channel ended, once, also to who comes late; then completes. */
  readonly closed$: Observable<ChannelClose>;

  /** Messages that wait for the client, from the present number on. Completes when the channel is closed and nothing waits any more. */
  readonly buffered$: Observable<number>;
  /** Whether a message that is sent now would leave now, from the present state on. Completes as `buffered$` does. */
  readonly writable$: Observable<boolean>;
  /** Messages that will not reach the client, and why, from now on. Completes as `buffered$` does. */
  readonly dropped$: Observable<Drop>;
  /** Where all messages are that were sent. */
  readonly counts: ChannelCounts;

  /**
   * Sends a message.
   *
   * @param data - On HTTP the first item may be a whole response `{ status, headers, body }`; of later ones the body counts.
   * @returns `true` if written or queued; `false` if the channel is closed, or the overflow policy refused this message or
   *   closed the channel because of it. A message that was refused closes nothing, whatever the options say.
   * @remarks http-kit `send!`. An HTTP channel ends behind its first message unless `{ close: false }` is given.
   */
  send(data: O, options?: SendOptions): boolean;
  /** Sends, and never closes. */
  next(data: O): void;
  /** Closes 1011 on WebSocket; on HTTP a 500 where the head is not out yet, else a cut. The error becomes an event. */
  error(error: unknown): void;
  complete(): void;
  /**
   * Closes the channel behind what was sent.
   *
   * @param code - 1000 (the default), 1001, 1003, 1007–1014 or 3000–4999; no meaning on HTTP.
   * @param reason - At most 123 octets of UTF-8.
   * @returns true the only time that it closed.
   * @throws `RangeError` for another code or a longer reason.
   */
  close(code?: number, reason?: string): boolean;

  /** http-kit `on-receive`. */
  onReceive(listener: (message: I) => void): Subscription;
  /** http-kit `on-ping`. The pong is sent without it. */
  onPing(listener: (data: Buffer) => void): void;
  /** http-kit `on-close`: called once, at once when the channel is closed already. */
  onClose(listener: (close: ChannelClose) => void): void;
}

/** The client's close code in http-kit's words. */
export const statusOf = (code: number): CloseStatus => STATUSES[code] ?? 'unknown';

const STATUSES: Readonly<Record<number, CloseStatus>> = {
  1000: 'normal',
  1001: 'going-away',
  1002: 'protocol-error',
  1003: 'unsupported',
};
