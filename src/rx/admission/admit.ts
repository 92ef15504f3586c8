/**
 * Admission of requests to a handler: so many at a time, so many that wait, a 503 for the rest.
 *
 * Owns: what a slot is held for, and what a refusal says. Leaves: who is next to `admission.ts`.
 */
import { Observable, Subscriber, throwError } from 'rxjs';
import { failureFrom, messageOf, OptionError, OverloadError } from '../../errors.js';
import { Admission, Applicant, type Pressure, type Refusal } from './admission.js';
import { eachRequest } from '../each-request.js';
import type { Handler, Middleware } from '../handler.js';
import { knownOptions } from '../number-option.js';
import { repliesOf } from '../replies-of.js';
import { type HttpRequest, type IncomingRequest, originOf } from '../request.js';
import { kindOf, type Reply } from '../response.js';

/** Options of {@link admit}. */
export interface AdmitOptions {
  /** Requests that may run at a time; an integer from 1, or Infinity. */
  readonly concurrency: number;
  /** Requests that may wait for a slot, from 0. Past it 503, at once. Default 20 480, as the server's. */
  readonly queueSize?: number | undefined;
  /** Milliseconds that a request may wait for a slot. Past it 503. Default 30 000; Infinity for as long as its client waits. */
  readonly maxWaitMs?: number | undefined;
  /**
   * Seconds after which a client that was refused may try again, for the `retry-after` of the 503: an integer from 0, or what a
   * function makes of the pressure, rounded up. Default 1; also where the function fails, which the event then tells as its cause.
   */
  readonly retryAfter?: number | ((pressure: Pressure) => number) | undefined;
}

/** A middleware that admits, and shows how busy it is. */
export interface Admit extends Middleware {
  /** The pressure now, then with each change. Never ends; costs nothing while nobody is subscribed. */
  readonly pressure$: Observable<Pressure>;
}

/**
 * A middleware that runs so many requests at a time, lets so many wait, first in, first out, and refuses the rest.
 *
 * The slots belong to the value that this returns: all handlers it is applied to share them, and all servers they are given to.
 * Another call makes slots of its own.
 *
 * A slot is held from the subscription to the handler until its reply stream has ended (completed, failed, unsubscribed) and, where
 * it replied, the reply is complete: the last streamed body has run out, or the client has gone. Bytes that wait for a slow client
 * behind that hold none. A WebSocket holds its slot until it has closed, so `concurrency` is how many may be open.
 *
 * A request whose client leaves while it waits gives up its place at once and is never run; a client that closes its half counts as
 * gone there. While a request waits its body is not read. It counts for the `queueSize` of the server, too.
 *
 * Refused requests get a 503 with `retry-after`, and an `overload` event: `RHK_ADMISSION_FULL` past `queueSize`,
 * `RHK_ADMISSION_TIMEOUT` past `maxWaitMs`.
 *
 * @throws {@link OptionError} for an unknown or a wrong option.
 * @example `runServer(admit({ concurrency: 8, queueSize: 100, maxWaitMs: 2_000 })(handler))`
 */
export const admit = (options: AdmitOptions): Admit => {
  const { concurrency, queueSize, maxWaitMs, retryAfter } = checked(options);
  const admission = new Admission(concurrency, queueSize, maxWaitMs);
  function admit(handler: Handler): Handler {
    if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
    return eachRequest((request, replies) => {
      const run = new AdmittedRun(admission, retryAfter, handler, request, replies);
      replies.add(() => run.end());
      admission.enter(run);
    });
  }
  return Object.assign(admit, { pressure$: admission.pressure$ });
};

/** One request on its way through: it waits, or runs, or both in turn. */
class AdmittedRun extends Applicant {
  private readonly admission: Admission;
  private readonly retryAfter: number | ((pressure: Pressure) => number);
  private readonly handler: Handler;
  private readonly request: HttpRequest;
  /** `undefined` for a request that no server made. */
  private readonly origin: IncomingRequest | undefined;
  private readonly replies: Subscriber<Reply>;
  private running: Replies | null;
  private isWaiting: boolean;

  constructor(
    admission: Admission,
    retryAfter: number | ((pressure: Pressure) => number),
    handler: Handler,
    request: HttpRequest,
    replies: Subscriber<Reply>,
  ) {
    super();
    this.admission = admission;
    this.retryAfter = retryAfter;
    this.handler = handler;
    this.request = request;
    this.origin = originOf(request);
    this.replies = replies;
    this.running = null;
    this.isWaiting = false;
  }

  onAdmitted(): void {
    this.stopWaiting();
    const running = new Replies(this.replies, this.origin);
    this.running = running;
    try {
      repliesOf(this.handler, single(this.request)).subscribe(running);
    } catch (error) {
      running.error(error);
    }
  }

  /** FIN is how most clients leave. Who closes one half only cannot be told from them, and nothing of its work has begun. */
  onWaiting(): void {
    if (this.origin === undefined) return;
    this.isWaiting = true;
    this.origin.port.endsWithInput = true;
  }

  onRefused(why: Refusal): void {
    this.stopWaiting();
    this.replies.error(why === 'full' ? this.full() : this.late());
  }

  /** The reply stream has ended, or nobody wants it any more. */
  end(): void {
    const { running, origin } = this;
    this.stopWaiting();
    try {
      running?.unsubscribe();
    } catch (error) {
      report(error, origin); // a finalizer of the application threw
    }
    const reply = running?.hasReplied === true ? origin?.reply : undefined;
    if (reply === undefined || reply === null) this.admission.leave(this);
    else reply.whenOver(() => this.admission.leave(this)); // its body may be on its way still
  }

  private stopWaiting(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    if (this.origin !== undefined) this.origin.port.endsWithInput = false;
  }

  private full(): OverloadError {
    const { concurrency, queueSize } = this.admission;
    return this.refusal('RHK_ADMISSION_FULL', `${concurrency} requests run and ${queueSize} wait, limit ${queueSize} (queueSize)`);
  }

  private late(): OverloadError {
    const { concurrency, maxWaitMs } = this.admission;
    return this.refusal(
      'RHK_ADMISSION_TIMEOUT',
      `a request waited ${maxWaitMs} ms while ${concurrency} ran, limit ${maxWaitMs} (maxWaitMs)`,
    );
  }

  private refusal(code: 'RHK_ADMISSION_FULL' | 'RHK_ADMISSION_TIMEOUT', message: string): OverloadError {
    const { retryAfter } = this;
    if (typeof retryAfter === 'number') return new OverloadError(code, message, { retryAfter });
    try {
      const seconds = Math.ceil(retryAfter(this.admission.pressure));
      if (isSeconds(seconds)) return new OverloadError(code, message, { retryAfter: seconds });
      throw new OptionError('retryAfter', `gave ${messageOf(seconds)}, must give seconds from 0`);
    } catch (cause) {
      return new OverloadError(code, message, { cause });
    }
  }
}

/** The handler's subscriber. */
class Replies extends Subscriber<Reply> {
  hasReplied: boolean;
  private readonly replies: Subscriber<Reply>;
  private readonly origin: IncomingRequest | undefined;

  constructor(replies: Subscriber<Reply>, origin: IncomingRequest | undefined) {
    super();
    this.replies = replies;
    this.origin = origin;
    this.hasReplied = false;
  }

  /** What a finalizer throws behind the end comes here, too. */
  override error(error: unknown): void {
    if (this.isStopped) report(error, this.origin);
    else super.error(error);
  }

  protected override _next(reply: Reply): void {
    this.hasReplied = true;
    this.replies.next(reply);
  }

  protected override _error(error: unknown): void {
    this.replies.error(error);
  }

  protected override _complete(): void {
    this.replies.complete();
  }
}

/** Where no server is there to be told, RxJS makes of it what it makes of errors that nobody handles. Does not throw. */
const report = (error: unknown, origin: IncomingRequest | undefined): void => {
  if (origin === undefined) throwError(() => error).subscribe();
  else origin.port.report(failureFrom(error));
};

/** `of(request)`, in fewer steps. */
const single = (request: HttpRequest): Observable<HttpRequest> =>
  new Observable((subscriber) => {
    subscriber.next(request);
    subscriber.complete();
  });

// ── options ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const DEFAULTS = { queueSize: 20_480, maxWaitMs: 30_000, retryAfter: 1 };

/** What a timer can wait; past it, it would not wait at all. */
const MAX_TIMEOUT_MS = 2_147_483_647;

const LIMITS: Readonly<Record<keyof AdmitOptions, readonly [least: number, most: number, orInfinity: boolean]>> = {
  concurrency: [1, Number.MAX_SAFE_INTEGER, true],
  queueSize: [0, Number.MAX_SAFE_INTEGER, true],
  maxWaitMs: [0, MAX_TIMEOUT_MS, true],
  retryAfter: [0, Number.MAX_SAFE_INTEGER, false],
};

const isSeconds = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

type CheckedOptions = { readonly [Name in keyof AdmitOptions]-?: Exclude<AdmitOptions[Name], undefined> };

const checked = (given: AdmitOptions): CheckedOptions => {
  knownOptions(given, Object.keys(LIMITS));
  const concurrency = integer('concurrency', given.concurrency);
  const queueSize = integer('queueSize', given.queueSize ?? DEFAULTS.queueSize);
  const maxWaitMs = integer('maxWaitMs', given.maxWaitMs ?? DEFAULTS.maxWaitMs);
  const retryAfter = given.retryAfter ?? DEFAULTS.retryAfter;
  return {
    concurrency,
    queueSize,
    maxWaitMs,
    retryAfter: typeof retryAfter === 'function' ? retryAfter : integer('retryAfter', retryAfter),
  };
};

const integer = (name: keyof AdmitOptions, value: unknown): number => {
  const [least, most, orInfinity] = LIMITS[name];
  if (orInfinity && value === Infinity) return Infinity;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : messageOf(value);
  const allowed = `an integer from ${least} to ${most}${orInfinity ? ', or Infinity' : ', or a function'}`;
  throw new OptionError(name, `is ${shown}, must be ${allowed}`);
};
