/** A handler that answers with server-sent events. */
import { isObservable, map, type Observable, type Subscription } from 'rxjs';
import { failureFrom, HandlerError, messageOf, OptionError } from '../errors.js';
import { EVENT_STREAM_TYPE, formatEvent, HEARTBEAT_COMMENT, retryLine, type ServerSentEvent } from '../protocol/server-sent-event.js';
import type { ResponseHeaders } from '../protocol/response-head.js';
import type { Codec } from '../rx/channels/codec.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { QueueBody, type QueueBodyOptions, type QueueOutlet, requirePausable } from '../rx/bodies/queue-body.js';
import type { QueueLimits } from '../rx/queues/outbound-queue.js';
import { queueLimitsFrom, type QueueOptions } from '../rx/queues/queue-options.js';
import { type HttpRequest, portOf } from '../rx/request.js';
import { type HttpResponse, isResponse } from '../rx/response.js';
import { DRAIN_OPTIONS, type DrainedClient, Drainer, type DrainOptions } from './drainer.js';
import { type Heartbeat, Heartbeats, type Silent } from './heartbeats.js';
import { SharedFormat } from './shared-format.js';
import { pushHeaders, UNTOLD } from './stream-headers.js';

/** Options of {@link eventStream}; all have defaults. */
export interface EventStreamOptions<E> extends QueueOptions<E>, DrainOptions {
  /** Makes text of the data of events; without one data is text. */
  readonly codec?: Pick<Codec<unknown, never>, 'encode'> | undefined;
  /** Milliseconds of silence after which a comment is sent, so that nobody on the way takes the stream for dead. Default 15 000; Infinity for none. */
  readonly heartbeatMs?: number | undefined;
  /** More fields for the reply; they go before those of the stream. */
  readonly headers?: ResponseHeaders | undefined;
  /** What becomes of a stream when the server drains: `end` tells its client when to come back; `finish` leaves it until it is cut. Default `end`. */
  readonly whenDraining?: 'end' | 'finish' | undefined;
}

/** The longest that a timer can wait. */
const MAX_MS = 2_147_483_647;
const DEFAULT_HEARTBEAT_MS = 15_000;
const NAMES = ['overflow', 'queueSize', 'maxBufferedBytes', 'codec', 'heartbeatMs', 'headers', 'whenDraining', ...DRAIN_OPTIONS];

/**
 * Streams events to each request, WHATWG HTML §9.2; text is the data of an event. The source is subscribed when the head is on
 * its way, and let go when the client leaves.
 *
 * An EventSource comes back whenever its stream has ended, complete or cut. Completion says `retry` first, so that it does so
 * when it should; to end it for good answer 204 when it comes back. `lastEventIdOf(request)` tells what it heard last. An
 * event that cannot be said, such as an `id` with a line break, fails the stream: `RHK_BAD_EVENT`, the reply is cut.
 *
 * What a slow client does not take waits, up to `queueSize` and `maxBufferedBytes`; past it the overflow policy decides, by
 * default the reply is cut. HEAD gets the header fields, and nothing is subscribed for it; all other methods get the stream.
 *
 * @param project - May answer with an ordinary response instead.
 * @throws {@link OptionError} for wrong options, at once.
 * @example `eventStream(() => prices$.pipe(map((price) => ({ event: 'price', data: JSON.stringify(price) }))))`
 */
export function eventStream<D>(
  project: (request: HttpRequest) => Observable<ServerSentEvent<D>> | HttpResponse,
  options: EventStreamOptions<ServerSentEvent<D>> & { readonly codec: Pick<Codec<unknown, D>, 'encode'> },
): Handler;
export function eventStream<E extends ServerSentEvent | string>(
  project: (request: HttpRequest) => Observable<E> | HttpResponse,
  options?: Omit<EventStreamOptions<E>, 'codec'>,
): Handler;
export function eventStream<E extends ServerSentEvent<unknown> | string>(
  project: (request: HttpRequest) => Observable<E> | HttpResponse,
  options: EventStreamOptions<E> = {},
): Handler {
  if (typeof project !== 'function') throw new OptionError('project', `is ${messageOf(project)}, must be a function`);
  knownOptions(options, NAMES);
  const { whenDraining = 'end' } = options;
  if (whenDraining !== 'end' && whenDraining !== 'finish') throw new OptionError('whenDraining', 'must be end or finish');
  const limits = queueLimitsFrom(options);
  const headers = pushHeaders(EVENT_STREAM_TYPE, options.headers);
  const drainer = new Drainer(options);
  const host: EventStreamHost<E> = {
    limits,
    drainer,
    endsWhenDrained: whenDraining === 'end',
    heartbeats: new Heartbeats(heartbeatFrom(options.heartbeatMs)),
    greeting: options.retryMs === undefined ? '' : `${retryLine(drainer.retryMs)}\n`,
    encode: encoderFor<E>(options.codec),
  };
  return map((request) => {
    if (request.method === 'HEAD') return { headers, body: UNTOLD };
    const events$ = project(request);
    if (isResponse(events$)) return events$;
    if (!isObservable(events$)) throw new HandlerError('RHK_BAD_REPLY', 'an event stream gave neither an Observable nor a response');
    requirePausable(events$, limits);
    const port = portOf(request);
    if (port.body === null) port.endsWithInput = true; // who has said all and is told this way has gone
    return { headers, body: new QueueBody(() => new EventStreamClient(host, request, events$)) };
  });
}

/** @throws {@link OptionError} */
export const heartbeatFrom = (heartbeatMs: number | undefined): number => {
  const checked = integerOption('heartbeatMs', heartbeatMs, DEFAULT_HEARTBEAT_MS, 1, Infinity);
  if (checked > MAX_MS && checked !== Infinity)
    throw new OptionError('heartbeatMs', `is ${checked}, must be at most ${MAX_MS}, or Infinity`);
  return checked;
};

/** What makes text of an event of this stream. */
const encoderFor = <E>(codec: Pick<Codec<unknown, never>, 'encode'> | undefined): ((event: E) => string) => {
  if (codec === undefined) {
    const shared = new SharedFormat();
    return (event) => shared.textOf(event as ServerSentEvent | string); // what is no event is refused there
  }
  if (typeof codec?.encode !== 'function') throw new OptionError('codec', 'must have the function encode');
  return (event) => {
    const { data, ...rest } = event as ServerSentEvent<never>; // with a codec all events are objects
    if (data === undefined) return formatEvent(rest);
    return formatEvent({ ...rest, data: codec.encode(data) as string }); // bytes are refused there
  };
};

/** What all replies of one handler have in common. */
interface EventStreamHost<E> {
  readonly limits: QueueLimits<E>;
  readonly drainer: Drainer;
  readonly endsWhenDrained: boolean;
  readonly heartbeats: Heartbeats;
  /** `retry` where it was asked for. */
  readonly greeting: string;
  encode(event: E): string;
}

/** One subscription to the body of a reply. */
class EventStreamClient<E> implements QueueBodyOptions<E>, DrainedClient, Silent {
  readonly limits: QueueLimits<E>;
  private readonly host: EventStreamHost<E>;
  private readonly request: HttpRequest;
  private readonly events$: Observable<E>;
  private outlet: QueueOutlet<E> | null;
  private heartbeat: Heartbeat | null;
  private subscription: Subscription | null;

  constructor(host: EventStreamHost<E>, request: HttpRequest, events$: Observable<E>) {
    this.limits = host.limits;
    this.host = host;
    this.request = request;
    this.events$ = events$;
    this.outlet = null;
    this.heartbeat = null;
    this.subscription = null;
  }

  open(outlet: QueueOutlet<E>): () => void {
    const { host } = this;
    this.outlet = outlet;
    this.heartbeat = host.heartbeats.join(this);
    const unwatch = host.endsWhenDrained ? host.drainer.watch(this.request, this) : ignore;
    if (host.greeting !== '') outlet.announce(host.greeting);
    this.subscription = outlet.follow(this.events$, retryPiece(host.drainer.retryMs));
    return () => {
      unwatch();
      this.heartbeat?.stop();
    };
  }

  encode(event: E): string {
    this.heartbeat?.speak();
    return this.host.encode(event);
  }

  beat(): void {
    this.outlet?.write(HEARTBEAT_COMMENT);
  }

  endForNow(retryMs: number): void {
    this.outlet?.end(retryPiece(retryMs));
    this.heartbeat?.stop();
    try {
      this.subscription?.unsubscribe();
    } catch (error) {
      portOf(this.request).report(failureFrom(error)); // a finalizer threw: all other clients are to be ended still
    }
  }
}

const retryPiece = (retryMs: number): string => `${retryLine(retryMs)}\n`;

const ignore = (): void => {};
