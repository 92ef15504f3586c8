/**
 * Many handlers as one, Compojure's `routes`: the first that answers, in the order in which they were written.
 *
 * Owns: order, falling through, 405 and OPTIONS. Leaves: which routes can mean a path to `route-table.ts`.
 */
import { Observable, type OperatorFunction, Subscriber } from 'rxjs';
import { OptionError } from '../errors.js';
import { repliesOf } from '../rx/replies-of.js';
import type { HttpRequest } from '../rx/request.js';
import { type HttpResponse, isResponse, kindOf, type Reply } from '../rx/response.js';
import { Single } from '../rx/single.js';
import { AllowedMethods } from './allowed-methods.js';
import { ANY_PATH, type Params } from './path-pattern.js';
import { requestPathFrom } from './request-path.js';
import { type Entry, entriesOf, withEntries } from './route.js';
import { RouteTable } from './route-table.js';
import { routedRequest, type RoutingTrail, trailOf } from './routed-request.js';

/** What `routes` takes: routes, any other handlers, and responses, which answer whatever has come that far. */
export type RouteLike<R extends HttpRequest = HttpRequest> = OperatorFunction<R, Reply> | HttpResponse;

/**
 * The first of `handlers` that answers. A route is asked where its method and path are the request's; any other handler is
 * asked whatever they are; a response, as `notFound('no such page')`, answers all that has come that far. A handler whose
 * result is empty passes the request on, as it was: one that has read the body has used it up.
 *
 * Where only the method differs the answer is 405 with `allow`, for OPTIONS 204 with it; `get` answers HEAD. Where nothing
 * answers the result is empty. A path with malformed escapes or dot segments fails with `RHK_BAD_PATH` (400).
 *
 * What a request costs does not depend on how many routes there are.
 *
 * @throws {@link OptionError} for what is neither a handler nor a response.
 */
export const routes = <R extends HttpRequest = HttpRequest>(...handlers: RouteLike<R>[]): OperatorFunction<R, Reply> =>
  routesOf<R>(handlers.flatMap((handler) => entriesFrom(handler as RouteLike))); // a request of type R is what they will get

/** The entries of a route, or one for what is none. */
export const entriesFrom = (handler: RouteLike): readonly Entry[] => {
  if (typeof handler === 'function') {
    return entriesOf(handler) ?? [{ methods: null, pattern: ANY_PATH, answer: handler, isOpaque: true, prefixLength: 0 }];
  }
  if (isResponse(handler)) return [{ methods: null, pattern: ANY_PATH, answer: handler, isOpaque: false, prefixLength: 0 }];
  throw new OptionError(
    'routes',
    `has ${Array.isArray(handler) ? 'an array' : kindOf(handler)} among them, must be handlers or responses${Array.isArray(handler) ? ': spread it' : ''}`,
  );
};

/** A handler that tries the entries, and that others can take apart again. */
export const routesOf = <R extends HttpRequest>(entries: readonly Entry[]): OperatorFunction<R, Reply> => {
  let table: RouteTable<Entry> | undefined; // made for those only that are not taken apart
  const handler: OperatorFunction<R, Reply> = (requests$) => {
    table ??= new RouteTable(entries);
    return requests$ instanceof Single ? new RepliesToOne(table, requests$.value) : repliesToEach(table, requests$);
  };
  return withEntries(handler, entries);
};

const repliesToEach = (table: RouteTable<Entry>, requests$: Observable<HttpRequest>): Observable<Reply> =>
  new Observable((replies) => {
    requests$.subscribe(new Requests(table, replies));
  });

/**
 * The replies to the one request of a server's run, for whom nobody has to count requests: 0.8 KB and an eighth of what a request
 * costs outside the kernel (scenario routes).
 */
class RepliesToOne extends Observable<Reply> {
  readonly table: RouteTable<Entry>;
  readonly request: HttpRequest;

  constructor(table: RouteTable<Entry>, request: HttpRequest) {
    super(replyToOne);
    this.table = table;
    this.request = request;
  }
}

function replyToOne(this: Observable<Reply>, replies: Subscriber<Reply>): void {
  const { table, request } = this as RepliesToOne; // given to no other constructor
  new Attempts(table, request, replies, null).tryNext();
}

/** The requests of one subscription, most often one. */
class Requests extends Subscriber<HttpRequest> {
  private readonly table: RouteTable<Entry>;
  private readonly replies: Subscriber<Reply>;
  private running: number;
  private isLast: boolean;

  constructor(table: RouteTable<Entry>, replies: Subscriber<Reply>) {
    super();
    this.table = table;
    this.replies = replies;
    this.running = 0;
    this.isLast = false;
    replies.add(this);
  }

  protected override _next(request: HttpRequest): void {
    this.running++;
    try {
      new Attempts(this.table, request, this.replies, this).tryNext();
    } catch (error) {
      this.replies.error(error);
    }
  }

  protected override _error(error: unknown): void {
    this.replies.error(error);
  }

  protected override _complete(): void {
    this.isLast = true;
    this.unsubscribe();
    if (this.running === 0) this.replies.complete();
  }

  /** One of them has been answered, or will not be. */
  leave(): void {
    this.running--;
    if (this.isLast && this.running === 0) this.replies.complete();
  }
}

/** One request on its way through the routes. */
class Attempts {
  readonly replies: Subscriber<Reply>;
  /** Who counts them, where this may not be the only one. */
  private readonly requests: Requests | null;
  private readonly table: RouteTable<Entry>;
  private readonly request: HttpRequest;
  private readonly around: RoutingTrail | undefined;
  private readonly allowed: AllowedMethods;
  /** Percent-encoded, as sent; and in the one spelling. */
  private readonly path: string;
  private readonly spelling: string;
  private readonly candidates: readonly number[];
  private next: number;
  /** The loop of `tryNext` is on the stack: a handler that is empty at once goes on there, not on top of it. */
  private isTrying: boolean;
  private isAsked: boolean;

  /** @throws ProtocolError `RHK_BAD_PATH` */
  constructor(table: RouteTable<Entry>, request: HttpRequest, replies: Subscriber<Reply>, requests: Requests | null) {
    const around = trailOf(request);
    const path = around?.pathInfo ?? request.uri;
    this.replies = replies;
    this.requests = requests;
    this.table = table;
    this.request = request;
    this.around = around;
    this.allowed = around?.allowed ?? new AllowedMethods();
    this.path = path;
    this.next = 0;
    this.isTrying = false;
    this.isAsked = false;
    if (path.charCodeAt(0) === SLASH) {
      this.spelling = requestPathFrom(path);
      this.candidates = table.candidatesFor(this.spelling);
    } else {
      this.spelling = path; // `OPTIONS *`: what all paths have
      this.candidates = table.always;
      for (const { methods } of table.entries) if (methods !== null) this.allowed.add(methods);
    }
  }

  tryNext(): void {
    this.isAsked = true;
    if (this.isTrying) return;
    this.isTrying = true;
    try {
      while (this.isAsked && !this.replies.closed) {
        this.isAsked = false;
        this.step();
      }
    } catch (error) {
      this.replies.error(error);
    } finally {
      this.isTrying = false;
    }
  }

  private step(): void {
    const { entries } = this.table;
    const around = this.around === undefined ? null : this.around.params;
    while (this.next < this.candidates.length) {
      const entry = entries[this.candidates[this.next++]];
      const params = entry.pattern.bind(this.spelling, around);
      if (params === null || !this.meansMethodOf(entry)) continue;
      return this.ask(entry, params);
    }
    const isOutermost = (this.around?.allowed ?? null) === null;
    if (isOutermost && this.allowed.differs) this.replies.next(this.allowed.answer(this.request));
    this.leave();
  }

  private meansMethodOf({ methods, answer, isOpaque }: Entry): boolean {
    if (methods !== null && !methods.includes(this.request.method)) {
      this.allowed.add(methods);
      return false;
    }
    if (typeof answer === 'function' && !isOpaque) this.allowed.foundOwn();
    return true;
  }

  private ask({ answer, isOpaque, prefixLength }: Entry, params: Readonly<Params>): void {
    if (typeof answer !== 'function') {
      this.replies.next(this.allowed.differs ? this.allowed.answer(this.request) : answer);
      this.leave();
      return;
    }
    const pathInfo = prefixLength === 0 ? this.path : withoutPrefix(this.path, prefixLength);
    const request = routedRequest(this.request, params, pathInfo, isOpaque ? this.allowed : null);
    const isDecided = this.requests === null && !isOpaque && !this.mayGoOn();
    repliesOf(answer, new Single(request)).subscribe(isDecided ? this.replies : new Attempt(this));
  }

  /** Whether somebody else may be asked where the one that is asked now does not answer. */
  private mayGoOn(): boolean {
    const { entries } = this.table;
    for (let i = this.next; i < this.candidates.length; i++) {
      const { methods } = entries[this.candidates[i]];
      if (methods === null || methods.includes(this.request.method)) return true;
    }
    return false;
  }

  /** Answered, or it will not be. */
  leave(): void {
    if (this.requests === null) this.replies.complete();
    else this.requests.leave();
  }
}

/** A handler's subscriber: its replies are passed on; its end is, if there was one. */
class Attempt extends Subscriber<Reply> {
  private readonly attempts: Attempts;
  private hasAnswered: boolean;

  constructor(attempts: Attempts) {
    super();
    this.attempts = attempts;
    this.hasAnswered = false;
    attempts.replies.add(this);
  }

  protected override _next(reply: Reply): void {
    this.hasAnswered = true;
    this.attempts.replies.next(reply);
  }

  protected override _error(error: unknown): void {
    this.attempts.replies.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe(); // what it holds is let go before the next begins
    if (this.hasAnswered) this.attempts.leave();
    else this.attempts.tryNext();
  }
}

const SLASH = 0x2f;

/** The path behind so many of its segments. */
const withoutPrefix = (path: string, length: number): string => {
  let start = 0;
  for (let i = 0; i < length && start >= 0; i++) start = path.indexOf('/', start + 1);
  return start < 0 ? '/' : path.slice(start);
};
