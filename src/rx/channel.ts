/**
 * http-kit's asynchronous channel: one object for HTTP streaming, long polling and WebSocket, and a Subject pair for RxJS.
 *
 * Owns: who listens, that everybody is told once and in order, that the first cause of an end counts. Leaves: how a message
 * travels to its line, `http-line.ts` or `websocket-line.ts`.
 */
import { Observable, type Observer, Subject, Subscriber, type Subscription } from 'rxjs';
import type { HttpRequest } from './request.js';

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

/** How messages leave a channel, and how demand reaches its client. For the rx floor only. */
export interface ChannelLine<O> {
  readonly isWebSocket: boolean;
  send(data: O, close: boolean): boolean;
  /** Ends the line; whatever was sent before leaves first. */
  close(code: number, reason: string): void;
  /** All is said; answers the client's close where there is one. */
  finish(): void;
  fail(error: unknown): void;
  demand(wants: boolean): void;
  report(error: unknown): void;
}

const NONE: readonly never[] = [];
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;
/** A close frame has room for so many octets of reason, RFC 6455 §5.5. */
const MAX_REASON_BYTES = 123;

/**
 * As an Observable a channel emits what the client says, to all its subscribers, and completes when it is over; as an
 * Observer it sends. The socket is read only while somebody is subscribed; what arrives before the first subscriber waits
 * for it.
 */
export class Channel<I, O> extends Observable<I> implements Observer<O> {
  /** The request that opened it. */
  readonly request: HttpRequest;
  /** The subprotocol that was agreed on; `undefined` where there is none, and on HTTP. */
  readonly protocol: string | undefined;
  private readonly line: ChannelLine<O>;
  private readonly messages: Subject<I>;
  /** Lists and not Subjects: an idle WebSocket costs 1.2 KB less, websocket-idle-memory. */
  private closeListeners: readonly ((close: ChannelClose) => void)[];
  private pingListeners: readonly ((data: Buffer) => void)[];
  private end: ChannelClose | null;

  /** Made by `asChannel` and `websocket` only. */
  constructor(request: HttpRequest, line: ChannelLine<O>, protocol: string | undefined) {
    const messages = new Subject<I>();
    super((subscriber) => {
      const subscription = messages.subscribe(subscriber);
      subscription.add(() => {
        if (!messages.observed) line.demand(false);
      });
      if (!messages.closed && !messages.isStopped) line.demand(true); // last: what waits comes at once, and may be enough
      return subscription;
    });
    this.messages = messages;
    this.request = request;
    this.protocol = protocol;
    this.line = line;
    this.closeListeners = NONE;
    this.pingListeners = NONE;
    this.end = null;
  }

  /** Emits how the channel ended, once, also to who comes late; then completes. */
  get closed$(): Observable<ChannelClose> {
    return new Observable((subscriber) => {
      const tell = (close: ChannelClose): void => {
        subscriber.next(close);
        subscriber.complete();
      };
      this.whenClosed(tell);
      return () => (this.closeListeners = this.closeListeners.filter((listener) => listener !== tell));
    });
  }

  /** False from the moment that either side has closed. */
  get isOpen(): boolean {
    return this.end === null;
  }

  get isWebSocket(): boolean {
    return this.line.isWebSocket;
  }

  /** As RxJS, but what a listener throws closes this channel with 1011 and becomes an event, instead of ending the process. */
  override subscribe(observerOrNext?: Partial<Observer<I>> | ((value: I) => void) | null): Subscription;
  override subscribe(
    next?: ((value: I) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    target?: Partial<Observer<I>> | ((value: I) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (target instanceof Subscriber) return super.subscribe(target);
    const observer: Partial<Observer<I>> =
      typeof target === 'function' || target === null || target === undefined
        ? { next: target ?? undefined, error: error ?? undefined, complete: complete ?? undefined }
        : target;
    return super.subscribe({
      next: (message) => this.guard(() => observer.next?.(message)),
      error: (failure: unknown) => this.guard(() => observer.error?.(failure)),
      complete: () => this.guard(() => observer.complete?.()),
    });
  }

  /**
   * Sends a message.
   *
   * @param data - On HTTP the first item may be a whole response `{ status, headers, body }`; of later ones the body counts.
   * @returns `true` if written or queued; `false` if the channel is closed, or so much is waiting for the client that this
   *   message closed it (1013).
   * @remarks http-kit `send!`. An HTTP channel ends behind its first message unless `{ close: false }` is given.
   */
  send(data: O, { close = !this.isWebSocket }: SendOptions = {}): boolean {
    if (this.end !== null || !this.line.send(data, close)) return false;
    if (close) this.settle({ status: 'server-close', code: this.isWebSocket ? NORMAL : undefined, reason: '', by: 'server' });
    return true;
  }

  /** Sends, and never closes. */
  next(data: O): void {
    if (this.end === null) this.line.send(data, false);
  }

  /** Closes 1011 on WebSocket; on HTTP a 500 where the head is not out yet, else a cut. The error becomes an event. */
  error(error: unknown): void {
    if (this.end !== null) return this.line.report(error);
    this.line.fail(error);
    this.settle({ status: 'server-close', code: this.isWebSocket ? INTERNAL_ERROR : undefined, reason: '', by: 'server' });
  }

  complete(): void {
    this.close();
  }

  /**
   * Closes the channel behind what was sent.
   *
   * @param code - 1000 (the default), 1001, 1003, 1007–1014 or 3000–4999; no meaning on HTTP.
   * @param reason - At most 123 octets of UTF-8.
   * @returns true the only time that it closed.
   * @throws `RangeError` for another code or a longer reason.
   */
  close(code: number = NORMAL, reason: string = ''): boolean {
    if (!isSendable(code)) throw new RangeError(`close code is ${String(code)}, must be 1000, 1001, 1003, 1007–1014 or 3000–4999`);
    if (Buffer.byteLength(reason) > MAX_REASON_BYTES) {
      throw new RangeError(`close reason is ${Buffer.byteLength(reason)} octets, limit ${MAX_REASON_BYTES}`);
    }
    if (this.end !== null) return false;
    this.line.close(code, reason);
    this.settle({ status: 'server-close', code: this.isWebSocket ? code : undefined, reason, by: 'server' });
    return true;
  }

  /** http-kit `on-receive`. */
  onReceive(listener: (message: I) => void): Subscription {
    return this.subscribe(listener);
  }

  /** http-kit `on-ping`. The pong is sent without it. */
  onPing(listener: (data: Buffer) => void): void {
    this.pingListeners = this.pingListeners.concat(listener);
  }

  /** http-kit `on-close`: called once, at once when the channel is closed already. */
  onClose(listener: (close: ChannelClose) => void): void {
    this.whenClosed((close) => this.guard(() => listener(close)));
  }

  // ── for the lines ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** An operator that drives this channel has completed. @internal */
  finish(): void {
    if (this.end === null) this.line.finish();
  }

  /** @internal */
  receive(message: I): void {
    this.messages.next(message);
  }

  /** @internal */
  receivePing(data: Buffer): void {
    for (const listener of this.pingListeners) this.guard(() => listener(data));
  }

  /** The client will say nothing more. @internal */
  endMessages(): void {
    this.messages.complete();
  }

  /** @internal */
  get hasReader(): boolean {
    return this.messages.observed;
  }

  /** The first cause counts. @internal */
  settle(close: ChannelClose): void {
    if (this.end !== null) return;
    this.end = close;
    this.messages.complete();
    const listeners = this.closeListeners;
    this.closeListeners = NONE;
    for (const listener of listeners) listener(close);
  }

  private whenClosed(listener: (close: ChannelClose) => void): void {
    if (this.end !== null) listener(this.end);
    else this.closeListeners = this.closeListeners.concat(listener);
  }

  /** What a function of the application throws ends this channel, and nothing else. @internal */
  guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.error(error);
    }
  }
}

/** What an endpoint may send, RFC 6455 §7.4.2 and the IANA registry. */
const isSendable = (code: number): boolean =>
  Number.isInteger(code) &&
  (code === 1000 || code === 1001 || code === 1003 || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999));

/** The client's close code in http-kit's words. */
export const statusOf = (code: number): CloseStatus => STATUSES[code] ?? 'unknown';

const STATUSES: Readonly<Record<number, CloseStatus>> = {
  1000: 'normal',
  1001: 'going-away',
  1002: 'protocol-error',
  1003: 'unsupported',
};
