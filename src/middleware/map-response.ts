/**
 * What nearly all middleware is made of: something is done to a request on its way in, and to the head of its reply on its way out.
 *
 * Owns: that the head is the first item, that what comes behind it passes as it is, that nothing runs once nobody listens. Leaves:
 * what is done.
 */
import { isObservable, Observable, Subscriber, take } from 'rxjs';
import { failureFrom, HandlerError, OptionError, OverloadError } from '../errors.js';
import { eachRequest } from '../rx/each-request.js';
import { addFaultFields, OF_BODY } from '../rx/answering/fault-fields.js';
import { FrameBody } from '../rx/bodies/frame-body.js';
import type { Handler } from '../rx/handler.js';
import { repliesOf } from '../rx/replies-of.js';
import { type HttpRequest, originOf } from '../rx/request.js';
import { type HttpResponse, isPiece, isResponse, kindOf, type Reply } from '../rx/response.js';
import type { ResponseFields } from './response-fields.js';

/** What middleware makes of one request: an answer of its own, or a way through the handler. */
export interface Passage {
  /** Answers in place of the handler, which is not run. */
  readonly answer?: HttpResponse | undefined;
  /** What the handler is given; the request itself where it is missing. */
  readonly request?: HttpRequest | undefined;
  /** Makes another response of the first item of the reply; later items wait for an Observable, which must give one: the first counts. */
  readonly response?: ((response: HttpResponse) => HttpResponse | Observable<HttpResponse>) | undefined;
  /** Shown the items behind the first one, which pass as they are. */
  readonly later?: ((reply: Reply) => void) | undefined;
  /** Fields for the reply that becomes of an error, of nobody's answer, or of a body that cannot be opened. */
  readonly faultFields?: (() => ResponseFields) | undefined;
  /** Told what the reply failed with; `undefined` where it stayed empty. The error itself goes on its way. */
  readonly failed?: ((error: unknown) => void) | undefined;
  /** Called once when the reply stream has ended, however it did. */
  readonly finished?: (() => void) | undefined;
}

/** Items that may wait for a head that is still made. */
const MAX_WAITING_ITEMS = 1_024;

/**
 * A handler with something around it.
 *
 * @param enter - Called for each request. What it throws, or its Observable fails with, is an error of the reply.
 */
export const passThrough = (handler: Handler, enter: (request: HttpRequest) => Passage | Observable<Passage>): Handler => {
  if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
  const layer: Layer = { handler, inner: LAYERS.get(handler), enter };
  const passing = eachRequest((request, replies) => start(layer, request, replies));
  LAYERS.set(passing, layer);
  return passing;
};

/** What stands around a handler. Where that is a layer itself, it is started as one: a request then costs one subscriber for each. */
interface Layer {
  readonly handler: Handler;
  readonly inner: Layer | undefined;
  readonly enter: (request: HttpRequest) => Passage | Observable<Passage>;
}

const LAYERS = new WeakMap<Handler, Layer>();

const start = (layer: Layer, request: HttpRequest, replies: Subscriber<Reply>): void => {
  const entered = layer.enter(request);
  if (!isObservable(entered)) {
    run(layer, request, entered, replies);
    return;
  }
  replies.add(
    entered.subscribe({
      next: (passage) => run(layer, request, passage, replies),
      error: (error: unknown) => replies.error(error),
    }),
  );
};

/**
 * A handler whose responses are changed. Errors, empty replies and later items pass.
 *
 * @param change - Gets the first item of a reply as a response, also where it was a bare body. What it throws fails the reply.
 */
export const mapResponse = (
  handler: Handler,
  change: (response: HttpResponse, request: HttpRequest) => HttpResponse | Observable<HttpResponse>,
): Handler => passThrough(handler, (request) => ({ response: (response) => change(response, request) }));

/** The reply is a WebSocket: its fields go into the 101, status and body mean nothing. */
export const isUpgrade = ({ body }: HttpResponse): boolean => body instanceof FrameBody;

const run = ({ handler, inner }: Layer, request: HttpRequest, passage: Passage, replies: Subscriber<Reply>): void => {
  const { answer } = passage;
  if (answer === undefined) {
    const given = passage.request ?? request;
    const passing = new Passing(request, passage, replies);
    replies.add(passing); // first, as the handler may answer before it returns
    try {
      if (inner === undefined) repliesOf(handler, single(given)).subscribe(passing);
      else start(inner, given, passing);
    } catch (error) {
      passing.error(error);
    }
    return;
  }
  replies.next(answer);
  replies.complete();
};

/** The handler's subscriber. */
class Passing extends Subscriber<Reply> {
  private readonly request: HttpRequest;
  private readonly passage: Passage;
  private readonly replies: Subscriber<Reply>;
  private hasReplied: boolean;
  /** Behind a head that is still made. */
  private waiting: Reply[] | null;
  private isComplete: boolean;

  constructor(request: HttpRequest, passage: Passage, replies: Subscriber<Reply>) {
    super();
    this.request = request;
    this.passage = passage;
    this.replies = replies;
    this.hasReplied = false;
    this.waiting = null;
    this.isComplete = false;
    if (passage.finished !== undefined) this.add(passage.finished);
  }

  /** What a finalizer throws behind the end comes here, too: RxJS would drop it. */
  override error(error: unknown): void {
    if (this.isStopped) originOf(this.request)?.port.report(failureFrom(error));
    else super.error(error);
  }

  protected override _next(reply: Reply): void {
    if (this.waiting !== null) {
      if (this.waiting.push(reply) > MAX_WAITING_ITEMS) this.error(new OverloadError('RHK_SLOW_CLIENT', TOO_MANY));
      return;
    }
    if (this.hasReplied) {
      this.passage.later?.(reply);
      this.replies.next(reply);
      return;
    }
    this.hasReplied = true;
    const { response, faultFields } = this.passage;
    if (faultFields !== undefined && isSourced(reply)) addFaultFields(this.request, OF_BODY, faultFields());
    if (response === undefined) {
      this.replies.next(reply);
      return;
    }
    let changed: HttpResponse | Observable<HttpResponse>;
    try {
      changed = response(responseFrom(reply));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (isObservable(changed)) this.await(changed);
    else this.replies.next(changed);
  }

  protected override _error(error: unknown): void {
    this.fail(error);
  }

  protected override _complete(): void {
    this.isComplete = true;
    if (this.waiting !== null) return;
    if (!this.hasReplied) this.remember(undefined);
    this.unsubscribe();
    this.replies.complete();
  }

  private await(response$: Observable<HttpResponse>): void {
    this.waiting = [];
    this.replies.add(
      response$.pipe(take(1)).subscribe({
        next: (response) => {
          const waiting = this.waiting ?? [];
          this.waiting = null;
          this.replies.next(response);
          for (const reply of waiting) this.replies.next(reply);
          if (!this.isComplete) return;
          this.unsubscribe();
          this.replies.complete();
        },
        error: (error: unknown) => this.fail(error),
        complete: () => {
          if (this.waiting !== null) this.fail(new HandlerError('RHK_BAD_REPLY', 'no response was made of the one there was'));
        },
      }),
    );
  }

  private fail(error: unknown): void {
    this.remember(error);
    this.unsubscribe();
    this.replies.error(error);
  }

  private remember(error: unknown): void {
    const { faultFields, failed } = this.passage;
    if (faultFields !== undefined) addFaultFields(this.request, error, faultFields());
    failed?.(error);
  }
}

const TOO_MANY = `more than ${MAX_WAITING_ITEMS} items wait for the head of their reply`;

/** The body may fail before the head of the reply has left. */
const isSourced = (reply: Reply): boolean => {
  const body = isResponse(reply) ? reply.body : reply;
  return typeof body === 'object' && body !== null && !isPiece(body);
};

const responseFrom = (reply: Reply): HttpResponse => (isResponse(reply) ? reply : { body: reply });

/** `of(request)`, in fewer steps. */
const single = (request: HttpRequest): Observable<HttpRequest> =>
  new Observable((subscriber) => {
    subscriber.next(request);
    subscriber.complete();
  });
