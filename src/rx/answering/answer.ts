/**
 * One handler run: its items become one reply, its end the reply's end, and a client that leaves its unsubscription.
 *
 * Owns: what an item means, in which order bodies go out, what a failure becomes. Leaves: framing to the port.
 */
import { Observable, Subscriber } from 'rxjs';
import { failureFrom, HandlerError, HttpError, HttpKitError, OverloadError } from '../../errors.js';
import { faultResponse } from '../../protocol/fault-response.js';
import type { ResponseHeaders } from '../../protocol/response-head.js';
import type { ExchangePort, Settlement } from '../../transport/contracts.js';
import { FileSource, sourceFrom } from '../bodies/body-source.js';
import { faultHeaders } from './fault-fields.js';
import { FileBody } from '../bodies/file-body.js';
import { FrameBody } from '../bodies/frame-body.js';
import { FrameSource } from '../bodies/frame-source.js';
import type { Handler } from '../handler.js';
import type { RunningSource, SourceListener } from '../bodies/pulled-source.js';
import { repliesOf } from '../replies-of.js';
import type { IncomingRequest, ReplyInWork } from '../request.js';
import { type Body, bodyOf, type HttpResponse, isPiece, isResponse, type Reply } from '../response.js';
import { single } from '../single.js';
import type { WaitingRoom } from '../admission/waiting-room.js';

/** Bodies that may wait behind one that is a source still running. */
const MAX_WAITING_BODIES = 1_024;

/**
 * Runs `handler` on the request and sends what it makes of it.
 *
 * @returns Completes when the reply is complete, or the client has gone; never emits, never fails. Unsubscribing before
 *   that breaks the reply off.
 */
export const answer = (request: IncomingRequest, handler: Handler, room: WaitingRoom): Observable<never> =>
  new Observable<never>((subscriber) => {
    const run = new HandlerRun(request, room, { onRunEnd: () => subscriber.complete() });
    run.start(handler);
    return () => run.abandon();
  });

/** Who waits for a run. */
export interface RunListener {
  /** The reply is complete or cannot be completed. Called once; not after `abandon`. */
  onRunEnd(run: HandlerRun): void;
}

/**
 * The handler's subscriber itself, rather than an observer that RxJS would wrap into two more objects for each request.
 */
export class HandlerRun extends Subscriber<Reply> implements SourceListener, ReplyInWork {
  private readonly request: IncomingRequest;
  private readonly port: ExchangePort;
  private readonly listener: RunListener;
  readonly room: WaitingRoom;
  /** The body in work, when it is more than one piece. */
  private source: RunningSource | null;
  private waiting: Body[] | null;
  private onOver: (() => void)[] | null;
  private isWaiting: boolean;
  private hasBegun: boolean;
  private isComplete: boolean;
  private isOver: boolean;

  constructor(request: IncomingRequest, room: WaitingRoom, listener: RunListener) {
    super();
    this.request = request;
    this.port = request.port;
    this.listener = listener;
    this.room = room;
    this.source = null;
    this.waiting = null;
    this.onOver = null;
    this.isWaiting = false;
    this.hasBegun = false;
    this.isComplete = false;
    this.isOver = false;
  }

  start(handler: Handler): void {
    if (this.port.isSettled) return this.leave();
    this.port.onSettled = (how) => this.onSettled(how);
    if (!this.room.enter()) {
      this.fail(
        new OverloadError('RHK_ADMISSION_FULL', `${this.room.size} requests wait for a reply, limit ${this.room.limit} (queueSize)`),
      );
      return;
    }
    this.isWaiting = true;
    this.request.reply = this;
    try {
      repliesOf(handler, single(this.request)).subscribe(this);
    } catch (error) {
      this.error(error);
    }
  }

  /** Whoever subscribed has lost interest. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.release();
    this.port.cut(undefined);
    this.request.abort();
  }

  /** RxJS drops what is thrown behind the end, by a finalizer of a handler that completes at once; here it is an event. */
  override error(error: unknown): void {
    if (this.isStopped) this.port.report(failureFrom(error));
    else super.error(error);
  }

  // ── what the handler says ─────────────────────────────────────────────────────────────────────────────────────────

  protected override _next(reply: Reply): void {
    if (this.isOver) return;
    try {
      const body = bodyOf(reply);
      if (this.hasBegun) this.send(body);
      else this.begin(isResponse(reply) ? reply : EMPTY_RESPONSE, body);
    } catch (error) {
      this.fail(error);
    }
  }

  protected override _error(error: unknown): void {
    if (!this.isOver) this.fail(error);
  }

  protected override _complete(): void {
    if (this.isOver) return;
    this.isComplete = true;
    if (!this.hasBegun) this.fail(new HandlerError('RHK_NO_RESPONSE'));
    else if (this.source === null) this.end();
    else this.letGo(); // of the handler; its last body goes on
  }

  // ── the reply ─────────────────────────────────────────────────────────────────────────────────────────────────────

  private begin(response: HttpResponse, body: Body): void {
    this.hasBegun = true;
    this.leaveRoom();
    if (body instanceof FileBody) {
      this.run(
        new FileSource(body, this.port, this, (octets) => this.port.begin(response.status ?? 200, withLength(response.headers, octets))),
      );
      return;
    }
    if (body instanceof FrameBody) {
      this.run(new FrameSource(body, response, this.port, this.room, this));
      return;
    }
    this.port.begin(response.status ?? 200, response.headers);
    this.send(body);
  }

  private send(body: Body): void {
    if (this.source !== null) {
      this.waiting ??= [];
      if (this.waiting.push(body) <= MAX_WAITING_BODIES) return;
      throw new OverloadError('RHK_SLOW_CLIENT', `${MAX_WAITING_BODIES} bodies wait behind one that has not ended`);
    }
    if (body === null) return;
    if (isPiece(body)) this.port.write(body);
    else if (body instanceof FrameBody) throw new HandlerError('RHK_BAD_REPLY', 'a WebSocket must be the first item of a reply');
    else this.run(sourceFrom(body, this.port, this));
  }

  private run(source: RunningSource): void {
    this.source = source;
    source.start();
  }

  onSourceEnd(): void {
    if (this.isOver) return;
    this.source = null;
    try {
      while (this.source === null && this.waiting !== null && this.waiting.length > 0) {
        this.send(this.waiting.shift() as Body); // not empty, see above
      }
    } catch (error) {
      return this.fail(error);
    }
    if (this.source === null && this.isComplete) this.end();
  }

  onSourceError(error: unknown): void {
    if (!this.isOver) this.fail(error);
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.release(); // before the reply ends, as the next exchange may begin within
    this.port.end();
    this.listener.onRunEnd(this);
  }

  /** Ends this exchange, and nothing else, with an error. */
  private fail(error: unknown): void {
    this.isOver = true;
    const known = knownFrom(error);
    this.release(); // as in `end`
    if (this.port.isHeadSent || known.status === 0) {
      this.port.cut(known);
    } else {
      if (isWorthReporting(known)) this.port.report(known);
      this.sendFault(known, error);
    }
    this.listener.onRunEnd(this);
  }

  /** @param thrown - The error as it came, which fields may have been remembered for. */
  private sendFault(error: HttpKitError | HttpError, thrown: unknown): void {
    const fault = faultResponse(error);
    try {
      const key = error instanceof HttpKitError && error.code === 'RHK_NO_RESPONSE' ? undefined : thrown;
      this.port.begin(fault.status, faultHeaders(this.request.faultFields, key, fault.headers));
      this.port.write(fault.body);
    } catch (badHeader) {
      this.port.report(badHeader);
      this.port.begin(500, undefined);
    }
    this.port.end();
  }

  private onSettled(how: Settlement): void {
    if (this.isOver) return;
    this.isOver = true;
    if (how === 'gone') this.request.abort();
    this.leave();
  }

  /** The reply is as complete as it will be. */
  private leave(): void {
    this.isOver = true;
    this.release();
    this.listener.onRunEnd(this);
  }

  /** Lets go of all that the handler holds. */
  private release(): void {
    this.leaveRoom();
    const { source } = this;
    this.source = null;
    this.waiting = null;
    source?.stop();
    this.letGo();
    this.request.reply = null;
    const { onOver } = this;
    this.onOver = null;
    if (onOver !== null) for (const action of onOver) action();
  }

  whenOver(action: () => void): void {
    (this.onOver ??= []).push(action);
  }

  private letGo(): void {
    try {
      this.unsubscribe();
    } catch (error) {
      this.port.report(failureFrom(error)); // a finalizer of the application threw
    }
  }

  private leaveRoom(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.room.leave();
  }
}

const EMPTY_RESPONSE: HttpResponse = {};

const knownFrom = (error: unknown): HttpKitError | HttpError => {
  try {
    if (error instanceof HttpKitError || error instanceof HttpError) return error;
  } catch {
    // a proxy that does not even say what it is
  }
  return failureFrom(error);
};

/** A status that the application chose, "not mine" and a file that is not there are no failures. */
const isWorthReporting = (error: HttpKitError | HttpError): boolean => error instanceof HttpKitError && error.status !== 404;

/** A file's size is known when it is open; a length that the handler announced gives way to it. */
const withLength = (headers: ResponseHeaders | undefined, octets: number): ResponseHeaders => {
  const isList = headers !== undefined && Symbol.iterator in headers;
  const entries = isList ? [...(headers as Iterable<readonly [string, string]>)] : Object.entries(headers ?? {}); // told apart above
  return [...entries, ['content-length', octets]] as Iterable<readonly [string, number]>;
};
