/** One source for every kind of client: WebSocket, server-sent events, lines of JSON, long polls, with one cursor for all of them. */
import { isObservable, type Observable } from 'rxjs';
import { HandlerError, messageOf, OptionError } from '../errors.js';
import { retryLine } from '../protocol/server-sent-event.js';
import type { ResponseHeaders } from '../protocol/response-head.js';
import { type ChannelOptions, checkOptions, type CheckedOptions } from '../rx/channels/channel-options.js';
import { type Codec, json, type Message } from '../rx/channels/codec.js';
import { eachRequest } from '../rx/each-request.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import type { OverflowPolicy } from '../rx/queues/overflow.js';
import { queueLimitsFrom, type QueueOptions } from '../rx/queues/queue-options.js';
import { isReplayable, type Replayable } from '../rx/replay/replayable.js';
import { type HttpRequest, portOf } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { DRAIN_OPTIONS, Drainer, type DrainOptions } from './drainer.js';
import { type EncodedItem, EncodedItems } from './encoded-item.js';
import { heartbeatFrom } from './event-stream.js';
import type { FeedHost } from './feed-client.js';
import { type FeedClients, FeedCounter, type FeedDrop } from './feed-counter.js';
import { type FeedTransport, transportOf } from './feed-transport.js';
import { cursorOf } from './last-event-id.js';
import { answerWithPoll } from './poll-client.js';
import { Heartbeats } from './heartbeats.js';
import { SharedSource } from './shared-source.js';
import { answerWithSocket, type FeedMessage } from './socket-client.js';
import { answerWithStream, type StreamForm } from './stream-client.js';
import { pushHeaders, UNTOLD } from './stream-headers.js';
import { jsonLines, serverSentEvents } from './wording.js';

/** What a feed tells of: a topic or another source that can be replayed, an Observable, or a choice for each request. */
type FeedSource<T> = Replayable<T> | Observable<T> | ((request: HttpRequest) => Replayable<T> | undefined);

/** Options of {@link feed}; all have defaults. */
export interface FeedOptions<T> extends QueueOptions<T>, DrainOptions {
  /** Makes text of each value, once for all clients. Default `json`. Text that is no JSON, by its `contentType`, is a JSON string where it stands in JSON. */
  readonly codec?: Pick<Codec<unknown, T>, 'encode' | 'contentType'> | undefined;
  /** Type under which an EventSource dispatches items. Default: `message`. */
  readonly event?: string | undefined;
  /** Items that a client gets which comes without a cursor, or whose cursor is lost. Default 0; all there is of a detached stream. */
  readonly replay?: number | undefined;
  /** Milliseconds of silence after which a stream is given a sign of life. Default 15 000; Infinity for none. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds that a long poll waits for something new. Default 25 000. */
  readonly pollTimeoutMs?: number | undefined;
  /** Items in the answer to one poll; the next one gets the rest. Default 1 000. */
  readonly maxPollItems?: number | undefined;
  /** More fields for replies. */
  readonly headers?: ResponseHeaders | undefined;
  /** Close code for WebSockets when the server drains: 1012, service restart, or 1001, going away. Default 1012. */
  readonly restartCode?: 1001 | 1012 | undefined;
  /** For the WebSockets among the clients. */
  readonly webSocket?: Omit<ChannelOptions<Message, never>, 'codec' | 'headers' | keyof QueueOptions<never>> | undefined;
  /** Of an Observable: items that are kept for those who come back. Default 1 000. */
  readonly history?: number | undefined;
  /** Of an Observable: milliseconds that an item is kept. Default Infinity: until `history` newer ones have come. */
  readonly ttlMs?: number | undefined;
  /** Of an Observable: milliseconds that it stays subscribed when the last client has gone, and is kept behind its end. Default 10 000. */
  readonly graceMs?: number | undefined;
}

const MAX_MS = 2_147_483_647;
const DEFAULTS = { pollTimeoutMs: 25_000, maxPollItems: 1_000, history: 1_000, graceMs: 10_000 };
const OBSERVABLE_OPTIONS = ['history', 'ttlMs', 'graceMs'] as const;
type ObservableOption = (typeof OBSERVABLE_OPTIONS)[number];
const NAMES = [
  ...['overflow', 'queueSize', 'maxBufferedBytes', 'codec', 'event', 'replay', 'heartbeatMs', 'pollTimeoutMs', 'maxPollItems', 'headers'],
  ...['restartCode', 'webSocket', ...OBSERVABLE_OPTIONS, ...DRAIN_OPTIONS],
];

/** A handler, and what can be seen of its clients. */
export interface Feed extends Handler {
  /** Clients that are there now. */
  readonly clients: FeedClients;
  /**
   * What the policies `dropNewest`, `dropOldest`, `latest` and `conflate` have kept from clients. A client sees the gap in its
   * ids. A client that `disconnect` has cut is told of by the server's events. Never ends.
   */
  readonly dropped$: Observable<FeedDrop>;
}

/**
 * A handler that tells every client of a source in the way that it asks for: a handshake gets a WebSocket; `?transport=` or
 * `accept` chooses server-sent events, lines of JSON or a long poll, which is the default.
 *
 * Each item has an id, `epoch:offset`, in every way of telling; said as `last-event-id`, `?lastEventId=` or `?cursor=` it is
 * where a client goes on, on whatever transport: it misses nothing and sees nothing twice, or is told `reset`. Each client
 * has its own queue, and the overflow policy says what becomes of what it does not take. Items are encoded once.
 *
 * An Observable is subscribed once for all clients, while there are some and `graceMs` longer. When the source completes, its
 * clients end, and an EventSource that comes back gets 204; when it fails they are cut. When the server drains, clients are
 * ended in batches and told when to come back. Methods other than GET and HEAD get 405.
 *
 * @throws {@link OptionError} for wrong options, at once; `suspend()` is one, as a source of many clients cannot wait for one.
 * @example `feed(prices, { overflow: conflate((price) => price.symbol) })`
 */
// `T & {}` lets an Observable say what a function among the options is about, which only the first signature can: a topic is one,
// too, but of what it keeps of each item. The second one is for all that has to be said of Observables.
export function feed<T>(
  source: Replayable<T> | Observable<T & {}> | ((request: HttpRequest) => Replayable<T> | undefined),
  options?: Omit<FeedOptions<T>, ObservableOption>,
): Feed;
export function feed<T>(source: Observable<T> & { readonly follow?: never }, options?: FeedOptions<T>): Feed;
export function feed<T>(source: FeedSource<T>, options: FeedOptions<T> = {}): Feed {
  knownOptions(options, NAMES);
  const find = finderFor(source, options);
  const host = hostFrom(options);
  const overflow = policyOf<T>(options.overflow);
  const limits = queueLimitsFrom<EncodedItem<T>>({ ...options, overflow });
  const sse: StreamForm<T> = { transport: 'sse', wording: serverSentEvents, headers: pushHeaders(serverSentEvents.contentType, options.headers), limits }; // prettier-ignore
  const ndjson: StreamForm<T> = { transport: 'ndjson', wording: jsonLines, headers: pushHeaders(jsonLines.contentType, options.headers), limits }; // prettier-ignore
  const pollHeaders = pushHeaders('application/json', options.headers);
  const sockets = socketOptions(options, overflow);
  const headersOf: Readonly<Record<FeedTransport, ResponseHeaders>> = {
    websocket: pollHeaders,
    sse: sse.headers,
    ndjson: ndjson.headers,
    poll: pollHeaders,
  };
  const handler = eachRequest((request, replies) => {
    const transport = transportOf(request);
    const refusal = refusalOf(request, transport);
    if (transport === undefined || refusal !== undefined) {
      replies.next(refusal ?? null);
      return replies.complete();
    }
    if (request.method === 'HEAD') {
      replies.next({ headers: headersOf[transport], body: UNTOLD });
      return replies.complete();
    }
    const found = find(request);
    if (found === undefined) return replies.complete();
    portOf(request).endsWithInput = true; // who has said all and is told this way has gone
    const visit = { request, source: found, cursor: cursorOf(request) };
    if (transport === 'websocket') answerWithSocket(host, sockets, visit, replies);
    else if (transport === 'poll') answerWithPoll(host, pollHeaders, visit, replies);
    else answerWithStream(host, transport === 'sse' ? sse : ndjson, visit, replies);
  });
  return Object.assign(handler, { clients: host.counter.clients, dropped$: host.counter.dropped$ });
}

const refusalOf = ({ method }: HttpRequest, transport: FeedTransport | undefined): HttpResponse | undefined => {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'a feed is read with GET' };
  return transport === undefined ? { status: 400, body: 'transport must be sse, ndjson or poll' } : undefined;
};

/** Which source a request is for. */
const finderFor = <T>(source: FeedSource<T>, options: FeedOptions<T>): ((request: HttpRequest) => Replayable<T> | undefined) => {
  if (isObservable(source) && !isReplayable(source)) {
    const shared = new SharedSource<T>(source, {
      history: integerOption('history', options.history, DEFAULTS.history, 0, Number.MAX_SAFE_INTEGER),
      ttlMs: integerOption('ttlMs', options.ttlMs, Infinity, 1, Infinity),
      lingerMs: integerOption('graceMs', options.graceMs, DEFAULTS.graceMs, 0, MAX_MS),
      keepsFailure: false,
    });
    return () => shared;
  }
  for (const name of OBSERVABLE_OPTIONS) {
    if (options[name] !== undefined) throw new OptionError(name, 'is for Observables, not for a source that keeps its history itself');
  }
  if (isReplayable(source)) return () => source as Replayable<T>; // of which items only its own types tell
  if (typeof source !== 'function')
    throw new OptionError('source', `is ${messageOf(source)}, must be a topic, an Observable or a function`);
  return (request) => {
    const found = (source as (request: HttpRequest) => Replayable<T> | undefined)(request); // no Observable is a function
    if (found === undefined || isReplayable(found)) return found;
    throw new HandlerError('RHK_BAD_REPLY', 'the source of a feed is neither undefined nor one that can be replayed');
  };
};

const hostFrom = <T>(options: FeedOptions<T>): FeedHost<T> => {
  const { codec = json, event, restartCode = 1012, overflow } = options;
  if (typeof codec?.encode !== 'function') throw new OptionError('codec', 'must have the function encode');
  if (event !== undefined && (typeof event !== 'string' || /[\r\n]/.test(event))) {
    throw new OptionError('event', `is ${JSON.stringify(event)}, must be text without line ends`);
  }
  if (restartCode !== 1001 && restartCode !== 1012)
    throw new OptionError('restartCode', `is ${messageOf(restartCode)}, must be 1001 or 1012`);
  const drainer = new Drainer(options);
  let reported: unknown = NOTHING;
  return {
    items: new EncodedItems(codec, event),
    drainer,
    counter: new FeedCounter(overflow !== undefined && overflow.policy !== 'disconnect'),
    replay: options.replay === undefined ? undefined : integerOption('replay', options.replay, 0, 0, Infinity),
    heartbeats: new Heartbeats(heartbeatFrom(options.heartbeatMs)),
    greeting: options.retryMs === undefined ? '' : `${retryLine(drainer.retryMs)}\n`,
    isConflating: overflow?.policy === 'conflate',
    restartCode,
    pollTimeoutMs: integerOption('pollTimeoutMs', options.pollTimeoutMs, DEFAULTS.pollTimeoutMs, 0, MAX_MS),
    maxPollItems: integerOption('maxPollItems', options.maxPollItems, DEFAULTS.maxPollItems, 1, Number.MAX_SAFE_INTEGER),
    reportFailure: (request, error) => {
      if (error === reported) return;
      reported = error;
      portOf(request).report(new HandlerError('RHK_HANDLER_FAILED', `the source of a feed failed: ${messageOf(error)}`, { cause: error }));
    },
  };
};

const NOTHING = Symbol('nothing was reported');

/** The application's policy looks at values, wherever they are told. */
const policyOf = <T>(overflow: OverflowPolicy<T> | undefined): OverflowPolicy<{ readonly value: T }> | undefined => {
  if (overflow?.policy === 'suspend')
    throw new OptionError('overflow', 'is suspend(), but the source of a feed cannot wait for one client');
  if (overflow?.policy !== 'conflate') return overflow;
  return { ...overflow, keyOf: ({ value }) => overflow.keyOf(value) };
};

const socketOptions = <T>(
  options: FeedOptions<T>,
  overflow: OverflowPolicy<{ readonly value: T }> | undefined,
): CheckedOptions<Message, FeedMessage> => {
  const { queueSize, maxBufferedBytes, headers, webSocket = {} } = options;
  knownOptions(webSocket, ['protocols', 'origin', 'maxWs', 'perMessageDeflate', 'heartbeatMs', 'closeTimeoutMs']);
  return checkOptions<Message, FeedMessage>({
    ...webSocket,
    headers,
    queueSize,
    maxBufferedBytes,
    overflow: overflow as OverflowPolicy<FeedMessage> | undefined, // text of the feed's own is only sent while nothing waits
  });
};
