/**
 * One request that a worker answers, as the handler that stands for the worker sees it.
 *
 * Owns: what becomes of it while it waits, runs and streams; that the worker hears when nobody wants the reply any more. Leaves:
 * who runs it to `worker-pool.ts`, framing and failures to the reply.
 */
import type { Subscriber } from 'rxjs';
import { HandlerError } from '../errors.js';
import { whenDraining } from '../rx/draining.js';
import { type HttpRequest, type IncomingRequest, originOf } from '../rx/request.js';
import type { BodyPiece, HttpResponse, Reply } from '../rx/response.js';
import type { Settlement, UpgradeOptions } from '../transport/contracts.js';
import { ForwardedBody } from './forwarded-body.js';
import { ForwardedFrames } from './forwarded-frames.js';
import { pieceFrom, type PortablePiece } from './portable-bytes.js';
import { errorFrom } from './portable-error.js';
import { headersFrom, type PortableHeaders } from './portable-headers.js';
import { portableRequest } from './portable-request.js';
import { ReplyStream, type ReplyStreamOwner } from './reply-stream.js';
import type { ThreadLine } from './thread-line.js';
import { costOf, CREDIT_STEP, type ExchangeMessage, FromWorker, ToWorker } from './thread-messages.js';
import { Job } from './worker-pool.js';

const State = {
  /** No thread has it. */
  WAITING: 0,
  /** A thread has it, and has said nothing of its reply. */
  GIVEN: 1,
  /** The reply has begun. */
  ANSWERED: 2,
  /** Nothing that the thread says of the reply matters any more. */
  OVER: 3,
} as const;

export class ForwardedExchange extends Job implements ReplyStreamOwner {
  /** Of the thread's making; 0 while none has it. */
  id: number;
  private readonly request: HttpRequest;
  private readonly origin: IncomingRequest;
  private readonly replies: Subscriber<Reply>;
  private line: ThreadLine | null;
  private state: number;
  private body: ForwardedBody | null;
  private stream: ReplyStream | null;
  private frames: ForwardedFrames | null;
  private taken: number;
  private stopListening: (() => void) | null;
  /** What the exchange had said of that before it waited here; `null` where it did not wait. */
  private endedWithInput: boolean | null;

  /** @throws HandlerError for a request that no server and no kit has made. */
  constructor(request: HttpRequest, replies: Subscriber<Reply>) {
    super();
    const origin = originOf(request);
    if (origin === undefined) throw new HandlerError('RHK_HANDLER_FAILED', 'a request that no server made cannot cross to a thread');
    this.id = 0;
    this.request = request;
    this.origin = origin;
    this.replies = replies;
    this.line = null;
    this.state = State.WAITING;
    this.body = null;
    this.stream = null;
    this.frames = null;
    this.taken = 0;
    this.stopListening = null;
    this.endedWithInput = null;
  }

  /** Still waits for a word of its thread. */
  get isUnanswered(): boolean {
    return this.state <= State.GIVEN;
  }

  /** A client that closes its half while it waits has most likely gone, and nothing was done for it yet: it counts as gone. */
  onWaiting(): void {
    const { port } = this.origin;
    this.endedWithInput = port.endsWithInput;
    port.endsWithInput = true;
  }

  /** A thread takes it. */
  give(id: number, line: ThreadLine): void {
    const { origin, request } = this;
    if (this.endedWithInput !== null) origin.port.endsWithInput = this.endedWithInput;
    this.id = id;
    this.line = line;
    this.state = State.GIVEN;
    line.add([ToWorker.OPEN, id, portableRequest(request, origin)]);
  }

  /** It will not run, or the thread that ran it is no more. */
  fail(error: unknown): void {
    const { state } = this;
    this.close();
    if (state === State.OVER) return;
    if (state !== State.ANSWERED) return this.replies.error(error);
    this.stream?.fail(error);
    this.frames?.fail();
  }

  /** The reply is not wanted any more, or complete. */
  leave(): void {
    const { line, state } = this;
    if (state === State.OVER) return;
    this.close();
    if (line === null) return;
    const { port, signal } = this.origin;
    const how: Settlement = port.isSettled && !signal.aborted ? 'answered' : 'gone';
    line.add([ToWorker.SETTLE, this.id, how]);
    if (how === 'gone') this.body?.cancel();
  }

  // ── what the thread says ──────────────────────────────────────────────────────────────────────────────────────────

  take(message: ExchangeMessage): void {
    switch (message[0]) {
      case FromWorker.CREDIT:
        if (this.frames === null) this.body?.onCredit(message[2]);
        else this.frames.onCredit(message[2]);
        return;
      case FromWorker.READ_BODY:
        return this.readBody();
      case FromWorker.CANCEL_BODY:
        return this.body?.cancel();
      case FromWorker.REPORT:
        return this.origin.port.report(errorFrom(message[2]));
      case FromWorker.DONE:
        return this.onDone();
    }
    if (this.state === State.OVER) return;
    switch (message[0]) {
      case FromWorker.REPLY:
        return this.answer(message[2], message[3], message[4]);
      case FromWorker.BEGIN:
        return this.begin(message[2], message[3]);
      case FromWorker.PIECE:
        return this.stream?.push(message[2]);
      case FromWorker.END:
        return this.end();
      case FromWorker.CUT:
        return this.cut(message[2] === null ? null : { error: errorFrom(message[2]) });
      case FromWorker.UPGRADE:
        return this.upgrade(message[2], message[3]);
      case FromWorker.FRAME:
        return this.frames?.send(message[2]);
      case FromWorker.DEMAND:
        return this.frames?.demand(message[2]);
      case FromWorker.CLOSE:
        return this.frames?.close(message[2], message[3]);
      case FromWorker.ENDS_WITH_INPUT:
        this.origin.port.endsWithInput = message[2];
        return;
      case FromWorker.WANTS_DRAINING:
        return this.listenForDraining(message[2]);
    }
  }

  private answer(status: number, headers: PortableHeaders | undefined, body: PortablePiece | null): void {
    this.close();
    this.reply({ status, headers: headersFrom(headers), body: body === null ? null : pieceFrom(body) });
  }

  private begin(status: number, headers: PortableHeaders | undefined): void {
    this.stream = new ReplyStream(this);
    this.state = State.ANSWERED;
    this.reply({ status, headers: headersFrom(headers), body: this.stream });
  }

  private upgrade(options: Omit<UpgradeOptions, 'headers'>, headers: PortableHeaders | undefined): void {
    const { line } = this;
    if (line === null) return; // who has no thread hears nothing of one
    this.frames = new ForwardedFrames(this.id, line, options, (error) => this.origin.port.report(error));
    this.state = State.ANSWERED;
    this.reply({ headers: headersFrom(headers), body: this.frames.body });
  }

  private reply(response: HttpResponse): void {
    // Whether or not somebody reads the body, it is over with the reply.
    if (this.state === State.ANSWERED) this.origin.reply?.whenOver(() => this.leave());
    this.replies.next(response);
    this.replies.complete();
  }

  private end(): void {
    this.close();
    this.stream?.end();
  }

  private cut(failure: { readonly error: unknown } | null): void {
    const { state } = this;
    this.close();
    if (state === State.ANSWERED) this.stream?.fail(failure?.error ?? new HandlerError('RHK_HANDLER_FAILED', 'the reply was broken off'));
    else if (failure === null) this.replies.complete();
    else this.replies.error(failure.error);
  }

  private readBody(): void {
    const { line, request, origin } = this;
    if (line === null) return; // who has no thread hears nothing of one
    this.body = new ForwardedBody(this.id, line, request, request.body$ === origin.body$);
    this.body.read();
  }

  private listenForDraining(wants: boolean): void {
    const { line } = this;
    this.stopListening?.();
    this.stopListening = null;
    if (!wants || line === null) return;
    this.stopListening = whenDraining(this.request, (withinMs) => line.add([ToWorker.DRAINING, this.id, withinMs]));
  }

  /** Only the thread's end tells that nothing is left there; a worker that has forgotten the exchange never wanted the rest. */
  private onDone(): void {
    this.body?.cancel();
    if (this.state !== State.OVER && this.state !== State.ANSWERED) this.cut(null);
  }

  /** Nothing more is expected of the thread. */
  private close(): void {
    this.state = State.OVER;
    this.stopListening?.();
    this.stopListening = null;
  }

  // ── what the client takes ─────────────────────────────────────────────────────────────────────────────────────────

  onTaken(piece: BodyPiece): void {
    this.taken += costOf(piece);
    if (this.taken < CREDIT_STEP || this.state === State.OVER) return;
    this.line?.add([ToWorker.CREDIT, this.id, this.taken]);
    this.taken = 0;
  }

  onLeft(): void {
    this.leave();
  }
}
