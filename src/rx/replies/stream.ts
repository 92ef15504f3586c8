/** A source as a streamed reply. */
import { isObservable, map, type Observable } from 'rxjs';
import { HandlerError, messageOf, OptionError } from '../../errors.js';
import type { Outgoing } from '../../protocol/encoded-message.js';
import { ResponseFields, type ResponseHeaders } from '../../protocol/response-head.js';
import type { Codec } from '../channels/codec.js';
import { fromReadable } from '../bodies/from-readable.js';
import type { Handler } from '../handler.js';
import { knownOptions } from '../number-option.js';
import type { PullSource } from '../bodies/pulled-source.js';
import { QueueBody, requirePausable } from '../bodies/queue-body.js';
import { type QueueOptions, queueLimitsFrom } from '../queues/queue-options.js';
import type { HttpRequest } from '../request.js';
import { type BodyPiece, type HttpResponse, isPiece, isResponse } from '../response.js';

/** What can be streamed: Observables push, all others are pulled. */
export type StreamSource<T> = Observable<T> | PullSource<T>;

/** Options of `stream`; all have defaults. */
export interface StreamOptions<T> extends QueueOptions<T> {
  /** Makes text or bytes of each item; `ndjson` for lines of JSON. */
  readonly codec?: Codec<unknown, T> | undefined;
  /** Default 200. */
  readonly status?: number | undefined;
  /** A content type here goes before that of the codec. */
  readonly headers?: ResponseHeaders | undefined;
}

const NAMES = ['codec', 'status', 'headers', 'overflow', 'queueSize', 'maxBufferedBytes'];

/**
 * A handler that streams a source for each request: each item leaves as it comes, the reply ends with its source, and is cut
 * where that fails. The source is subscribed when the head is on its way, and let go when the client leaves.
 *
 * What can wait is pulled as fast as the client takes it: iterables, async iterables, Readables, web streams, and Observables that
 * can be paused, see `fromReadable`. Of other Observables what the client has not taken waits: past `queueSize` or
 * `maxBufferedBytes` the overflow policy decides, by default the reply is cut.
 *
 * @param project - May answer with an ordinary response instead.
 * @throws {@link OptionError} for wrong options, at once. With `suspend()` a request whose source cannot wait gets a 500,
 *   `RHK_CANNOT_SUSPEND`.
 * @example `stream(() => prices$, { codec: ndjson, overflow: conflate((price) => price.symbol) })`
 */
export function stream(
  project: (request: HttpRequest) => StreamSource<BodyPiece> | HttpResponse,
  options?: Omit<StreamOptions<BodyPiece>, 'codec'>,
): Handler;
export function stream<T>(project: (request: HttpRequest) => StreamSource<T> | HttpResponse, options: StreamOptions<T>): Handler;
export function stream<T>(project: (request: HttpRequest) => StreamSource<T> | HttpResponse, options: StreamOptions<T> = {}): Handler {
  if (typeof project !== 'function') throw new OptionError('project', `is ${messageOf(project)}, must be a function`);
  knownOptions(options, NAMES);
  const { status, codec } = options;
  if (codec !== undefined && typeof codec?.encode !== 'function') throw new OptionError('codec', 'must have the function encode');
  const limits = queueLimitsFrom(options);
  new ResponseFields(options.headers); // a header that cannot leave is the caller's error, not the first client's
  const headers = withContentType(options.headers, codec?.contentType);
  const encode = codec === undefined ? asItIs : (item: T): Outgoing => codec.encode(item);
  return map((request) => {
    const source = project(request);
    if (isResponse(source)) return source;
    const source$ = streamFrom(source);
    requirePausable(source$, limits);
    return { status, headers, body: new QueueBody<T>({ limits, encode, open: (outlet) => outlet.follow(source$) }) };
  });
}

const streamFrom = <T>(source: StreamSource<T>): Observable<T> => {
  if (isObservable(source)) return source;
  if (isPiece(source)) throw new HandlerError('RHK_BAD_REPLY', 'a stream was given one piece, not a source of items');
  return fromReadable(source);
};

/** Without a codec items are pieces, and looked at when they are sent. */
const asItIs = (item: unknown): Outgoing => item as Outgoing;

const withContentType = (headers: ResponseHeaders | undefined, contentType: string | undefined): ResponseHeaders | undefined => {
  if (contentType === undefined || new ResponseFields(headers).hasContentType) return headers;
  const entries = headers === undefined ? [] : Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return [['content-type', contentType], ...entries] as ResponseHeaders; // of two kinds of entries
};
