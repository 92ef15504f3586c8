/** What a handler may answer with. */
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { isObservable, type Observable } from 'rxjs';
import { HandlerError } from '../errors.js';
import type { ResponseHeaders } from '../protocol/response-head.js';
import { FileBody } from './bodies/file-body.js';
import { FrameBody } from './bodies/frame-body.js';

/** A piece of a body: text leaves as UTF-8. Bytes must not be changed once they were given away. */
export type BodyPiece = string | Uint8Array;

/**
 * A response body. Sources that can be pulled (iterables, async iterables, `Readable`, `ReadableStream`, `file`) are asked
 * for the next piece only when the client has taken earlier ones: any length, constant memory. An Observable pushes: what
 * the client has not taken waits, up to `maxBufferedBytes`, then the reply is cut.
 */
export type Body =
  | BodyPiece
  | Iterable<BodyPiece>
  | AsyncIterable<BodyPiece>
  | Observable<BodyPiece>
  | Readable
  | ReadableStream<BodyPiece>
  | FileBody
  | FrameBody
  | null;

/** Ring's response map. */
export interface HttpResponse {
  /** 200–599; default 200. */
  readonly status?: number | undefined;
  /** `content-length` counts for streamed bodies only; all other framing is the server's. */
  readonly headers?: ResponseHeaders | undefined;
  readonly body?: Body | undefined;
}

/** An {@link HttpResponse}, or just its body. */
export type Reply = HttpResponse | Body;

/** A body that is a source of pieces rather than one piece. */
export type BodySource = Exclude<Body, BodyPiece | FrameBody | null>;

export const isPiece = (value: unknown): value is BodyPiece => typeof value === 'string' || value instanceof Uint8Array;

/** `Readable`s of other realms and versions count too. */
export const isReadable = (value: object): value is Readable =>
  typeof (value as Readable).pipe === 'function' &&
  typeof (value as Readable).on === 'function' &&
  typeof (value as Readable).resume === 'function';

export const isReadableStream = (value: object): value is ReadableStream<BodyPiece> =>
  typeof (value as ReadableStream).getReader === 'function' && typeof (value as ReadableStream).cancel === 'function';

export const isAsyncIterable = (value: object): value is AsyncIterable<BodyPiece> =>
  typeof (value as AsyncIterable<BodyPiece>)[Symbol.asyncIterator] === 'function';

export const isIterable = (value: object): value is Iterable<BodyPiece> =>
  typeof (value as Iterable<BodyPiece>)[Symbol.iterator] === 'function';

const isSource = (value: object): value is BodySource | FrameBody =>
  isObservable(value) ||
  value instanceof FileBody ||
  value instanceof FrameBody ||
  isReadable(value) ||
  isReadableStream(value) ||
  isAsyncIterable(value) ||
  isIterable(value);

/**
 * @throws {@link HandlerError} `RHK_BAD_REPLY` for what is neither a response nor a body.
 */
export const bodyOf = (reply: Reply | undefined): Body => {
  const body = isResponse(reply) ? (reply.body ?? null) : reply;
  if (body === null || isPiece(body) || (typeof body === 'object' && isSource(body))) return body;
  throw new HandlerError('RHK_BAD_REPLY', `reply is ${describe(reply)}, not a response or a body${hintFor(reply)}`);
};

/** A response map, that is an object with a status, headers or a body, and no body itself; `{}` is the empty response. */
export const isResponse = (reply: unknown): reply is HttpResponse => {
  if (typeof reply !== 'object' || reply === null) return false;
  const prototype: unknown = Object.getPrototypeOf(reply);
  if (prototype === Object.prototype || prototype === null) {
    return hasResponseKey(reply) || (Object.keys(reply).length === 0 && !isSource(reply)); // `{ *[Symbol.iterator]() { … } }` has no keys
  }
  return !isPiece(reply) && !isSource(reply) && hasResponseKey(reply);
};

const hasResponseKey = (reply: object): boolean => 'status' in reply || 'headers' in reply || 'body' in reply;

/** What a value is, for the message of an error: nothing of what is in it. */
export const kindOf = (value: unknown): string => {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return isPromise(value) ? 'a Promise' : `an object with keys [${Object.keys(value).slice(0, 5).join(', ')}]`;
};

const isPromise = (value: object): boolean => typeof (value as { then?: unknown }).then === 'function'; // asked, not assumed

const describe = (value: unknown): string => (isResponse(value) ? `a response whose body is ${describe(value.body)}` : kindOf(value));

/** The two mistakes that nearly everybody makes once. */
const hintFor = (reply: unknown): string => {
  if (reply === undefined) return ': nothing was returned; null is a reply without a body';
  return typeof reply === 'object' && reply !== null && isPromise(reply) ? ': mergeMap waits for a Promise, map does not' : '';
};
