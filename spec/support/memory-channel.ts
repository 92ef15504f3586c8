/** The far ends of a channel, in memory: a WebSocket client that a marble diagram drives, and the reply of an HTTP channel. */
import { concatMap, isObservable, map, type Observable, of, ReplaySubject, Subject, type Subscription } from 'rxjs';
import { EncodedMessage } from '#src/protocol/encoded-message.js';
import { FrameBody } from '#src/rx/bodies/frame-body.js';
import { IncomingRequest } from '#src/rx/request.js';
import { isResponse } from '#src/rx/response.js';
import { WaitingRoom } from '#src/rx/admission/waiting-room.js';
import type { ExchangePort, FrameListener, FramePort } from '#src/transport/contracts.js';
import type { Handler, HttpRequest, HttpResponse, Reply } from 'rx-http-kit';

const HANDSHAKE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'c2l4dGVlbiBsZXR0ZXJzLg==',
};

/** A request, and what the server was told of it. */
export interface MemoryRequest {
  readonly request: HttpRequest;
  /** Codes of what was reported, in order. */
  readonly reported: string[];
  /** The client of an HTTP channel has gone. */
  settle(): void;
}

export const requestOf = (headers: Readonly<Record<string, string>> = {}): MemoryRequest => {
  const reported: string[] = [];
  const port = {
    head: { method: 'GET', uri: '/', headers, protocol: 'HTTP/1.1', contentLength: -1, asksWebSocket: headers['upgrade'] !== undefined },
    body: null,
    hasChannel: false,
    endsWithInput: false,
    isSettled: false,
    drainingMs: null,
    onDraining: null,
    report: (error: { readonly code?: string }) => void reported.push(error.code ?? 'no code'),
  };
  return {
    request: new IncomingRequest(port as unknown as ExchangePort), // the part of it that a channel uses
    reported,
    settle: () => void (port.isSettled = true),
  };
};

/**
 * A WebSocket client, and the session that stands between it and the channel: what is said while nobody listens waits, a close
 * frame waits behind it, and a close of ours is told back at once, as `WebSocketSession` does.
 */
export class MemoryClient implements FramePort {
  readonly waiting = 0;
  /** What reaches the client: messages, and `close 1000 reason`. */
  readonly heard$: Observable<string>;
  /** What the channel asks of the socket: `read` or `rest`, when it changes. */
  readonly demand$: Observable<string>;
  readonly reported: readonly string[];
  /** What a handler answered instead of a 101. */
  refusal: HttpResponse | undefined;
  private readonly heard: Subject<string>;
  private readonly demands: ReplaySubject<string>;
  private readonly room: WaitingRoom;
  private readonly handling: Subscription;
  private body: FrameBody | undefined;
  private pending: (() => void)[];
  private isWanted: boolean;
  private hasClosed: boolean;
  private credit: number;

  /** Subscribes the handler; `open` is the moment of the 101. */
  constructor(handler: Handler, { room = new WaitingRoom(100) }: { readonly room?: WaitingRoom } = {}) {
    const { request, reported } = requestOf(HANDSHAKE);
    this.reported = reported;
    this.room = room;
    this.heard = new Subject();
    this.heard$ = this.heard.asObservable();
    this.demands = new ReplaySubject();
    this.demand$ = this.demands.asObservable();
    this.refusal = undefined;
    this.body = undefined;
    this.pending = [];
    this.isWanted = false;
    this.hasClosed = false;
    this.credit = Infinity;
    this.handling = handler(of(request)).subscribe((reply) => this.onReply(reply as HttpResponse)); // a channel gives responses only
  }

  /** Whether the handler is still subscribed: as long as the socket lives. */
  get isHandled(): boolean {
    return !this.handling.closed;
  }

  open(): void {
    this.body?.onOpen(this, this.room);
  }

  /** Takes only so many more messages, before `drain`. */
  take(messages: number): void {
    this.credit = messages;
  }

  drain(): void {
    this.credit = Infinity;
    this.listener.onDrain();
  }

  say(message: string | Buffer): void {
    this.inOrder(() => this.listener.onMessage(message));
  }

  ping(data: string): void {
    this.listener.onPing(Buffer.from(data));
  }

  sayClose(code: number, reason: string = ''): void {
    this.inOrder(() => {
      if (!this.hasClosed) this.listener.onPeerClose({ code, reason, by: 'client' });
    });
  }

  /** The socket is gone without a close frame. */
  vanish(): void {
    if (!this.hasClosed) this.listener.onClosed({ code: 1006, reason: '', by: 'client' });
  }

  // ── what the channel asks for ─────────────────────────────────────────────────────────────────────────────────────

  demand(wants: boolean): void {
    if (wants !== this.isWanted) this.demands.next(wants ? 'read' : 'rest');
    this.isWanted = wants;
    while (this.isWanted && this.pending.length > 0) this.pending.shift()?.();
  }

  send(message: string | Uint8Array | EncodedMessage): boolean {
    if (this.hasClosed) throw new Error('sent behind the close frame');
    const data = message instanceof EncodedMessage ? message.message : message;
    this.heard.next(typeof data === 'string' ? data : `bytes ${Buffer.from(data).toString('hex')}`);
    return --this.credit > 0;
  }

  close(code: number, reason: string): void {
    if (this.hasClosed) return;
    this.hasClosed = true;
    this.pending = [];
    this.heard.next(`close ${code}${reason === '' ? '' : ` ${reason}`}`);
    this.listener.onClosed({ code, reason, by: 'server' });
  }

  private get listener(): FrameListener {
    if (this.body === undefined) throw new Error('the handshake was refused');
    return this.body.listener;
  }

  private onReply(reply: HttpResponse): void {
    if (reply.body instanceof FrameBody) this.body = reply.body;
    else this.refusal = reply;
  }

  private inOrder(event: () => void): void {
    if (this.isWanted) event();
    else this.pending.push(event);
  }
}

/** What an HTTP channel answers, piece by piece as text; the first with the headers of the reply, where it has any. */
export const repliesOf = (handler: Handler, { request }: MemoryRequest): Observable<string> =>
  handler(of(request)).pipe(
    concatMap((reply: Reply): Observable<string> => {
      if (!isResponse(reply) || !isObservable(reply.body)) return of(typeof reply === 'string' ? reply : JSON.stringify(reply));
      const { body, ...head } = reply;
      const isBare = Object.keys(head).length === 0;
      return body.pipe(map((piece, index) => (index > 0 || isBare ? String(piece) : JSON.stringify({ ...head, body: String(piece) }))));
    }),
  );
