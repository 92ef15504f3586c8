/**
 * `multipart/form-data`, RFC 7578, part by part as it comes.
 *
 * Owns: limits, and that the client waits while nobody reads. Leaves: the format to busboy, what becomes of a part to whoever listens.
 */
import type busboy from 'busboy';
import type { Readable } from 'node:stream';
import { Observable, Subscriber } from 'rxjs';
import { HttpError } from '../errors.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import { isPausable, type PausableSubscription } from '../rx/demand/pausable.js';
import type { HttpRequest } from '../rx/request.js';

/** Limits of a form; past each of them 413, also past `maxFiles` and `maxFields` parts of any kind. */
export interface MultipartLimits {
  /** Default 10. */
  readonly maxFiles?: number | undefined;
  /** Default 1 000. */
  readonly maxFields?: number | undefined;
  /** Octets of a file. Default Infinity: the server's `maxBody` holds for all of it. */
  readonly maxFileBytes?: number | undefined;
  /** Octets of a field's value. Default 65 536. */
  readonly maxFieldBytes?: number | undefined;
  /** Octets of a name. Default 256. */
  readonly maxNameBytes?: number | undefined;
}

/** A part that is text. */
export interface FieldPart {
  readonly kind: 'field';
  readonly name: string;
  readonly value: string;
}

/** A part that is a file. Nothing behind it is read before its stream has been read, or destroyed. */
export interface FilePart {
  readonly kind: 'file';
  readonly name: string;
  /** As the client calls it, without folders; fit to be shown, not to be a path. */
  readonly filename: string;
  /** As the client calls it. */
  readonly contentType: string;
  readonly stream: Readable;
}

export type MultipartPart = FieldPart | FilePart;

const LIMITS: CheckedLimits = {
  maxFiles: 10,
  maxFields: 1_000,
  maxFileBytes: Infinity,
  maxFieldBytes: 65_536,
  maxNameBytes: 256,
};

export type CheckedLimits = { readonly [Name in keyof MultipartLimits]-?: number };

/** @throws {@link OptionError} for a wrong one. */
export const checkLimits = (limits: MultipartLimits, others: readonly string[] = []): CheckedLimits => {
  knownOptions(limits, [...Object.keys(LIMITS), ...others]);
  const checked = Object.entries(LIMITS).map(([name, byDefault]) => [
    name,
    integerOption(name, limits[name as keyof MultipartLimits], byDefault, 0, Infinity), // a key of LIMITS is one of the limits
  ]);
  return Object.fromEntries(checked) as CheckedLimits; // one value for each key
};

const MULTIPART = /^multipart\/form-data[ \t]*;/i;

export const isMultipart = ({ contentType }: HttpRequest): boolean => contentType !== undefined && MULTIPART.test(contentType);

/**
 * The parts of a request's form, each as soon as it begins. The socket is read only as fast as files are.
 *
 * Fails with 415 for another content type, 400 for a form that is malformed or ends too early, 413 past a limit. Unsubscribing
 * destroys the stream of a file that has not ended. Needs the package `busboy`.
 *
 * @example `mergeMap((request) => multipartParts(request).pipe(concatMap((part) => part.kind === 'file' ? store(part.stream) : EMPTY)))`
 */
export const multipartParts = (request: HttpRequest, limits: MultipartLimits = {}): Observable<MultipartPart> => {
  const checked = checkLimits(limits);
  const makeParser = parserMaker('multipartParts');
  return new Observable((subscriber) => parse(request, checked, makeParser, subscriber));
};

const parserMaker = (who: string): typeof busboy => optionalPackage('busboy', who);

/** @throws {@link OptionError} where the package `busboy` is missing. */
export const checkParser = (who: string): void => void parserMaker(who);

const parse = (request: HttpRequest, limits: CheckedLimits, makeParser: typeof busboy, subscriber: Subscriber<MultipartPart>): void => {
  if (!isMultipart(request)) return subscriber.error(new HttpError(415, 'the body is not multipart/form-data'));
  let parser: busboy.Busboy;
  try {
    parser = makeParser({
      headers: { 'content-type': request.contentType },
      defParamCharset: 'utf8',
      limits: {
        files: limits.maxFiles,
        fields: limits.maxFields,
        // busboy calls it too much when it is just as much
        fileSize: limits.maxFileBytes + 1,
        fieldSize: limits.maxFieldBytes + 1,
        parts: limits.maxFiles + limits.maxFields + 1, // of those that are neither it says nothing else
      },
    });
  } catch (cause) {
    return subscriber.error(malformed(cause));
  }
  const open = new Set<Readable>();
  let isWriting = false;
  const exceed = (what: string, limit: number): void => subscriber.error(new HttpError(413, `the form has ${what}, limit ${limit}`));
  const close = (): void => {
    parser.removeAllListeners();
    parser.on('error', () => {
      if (isWriting) throw ENOUGH; // it would go on to the end of the bytes that it has been given, with an error for each part
    });
    // Not now: it may be in the middle of the bytes that it has been given, and would go on with a stream that is gone.
    process.nextTick(() => {
      parser.destroy();
      for (const stream of open) stream.destroy();
    });
  };
  subscriber.add(close);

  parser.on('field', (name, value, info) => {
    if (isBadName(name, limits)) return exceed('a name that is too long, or none', limits.maxNameBytes);
    if (info.valueTruncated) return exceed(`a field of more octets than it may have`, limits.maxFieldBytes);
    subscriber.next({ kind: 'field', name, value });
  });
  parser.on('file', (name, stream, info) => {
    stream.on('error', () => {}); // whoever reads it is told as well; without a listener it would end the process
    if (isBadName(name, limits)) {
      stream.resume();
      return exceed('a name that is too long, or none', limits.maxNameBytes);
    }
    open.add(stream);
    stream.once('close', () => open.delete(stream));
    stream.once('limit', () => exceed('a file of more octets than it may have', limits.maxFileBytes));
    subscriber.next({ kind: 'file', name, filename: info.filename ?? '', contentType: info.mimeType, stream });
  });
  parser.once('filesLimit', () => exceed('too many files', limits.maxFiles));
  parser.once('fieldsLimit', () => exceed('too many fields', limits.maxFields));
  parser.once('partsLimit', () => exceed('too many parts', limits.maxFiles + limits.maxFields));
  parser.once('error', (cause) => subscriber.error(malformed(cause)));
  parser.once('close', () => subscriber.complete());
  const write = (bytes: Buffer): boolean => {
    isWriting = true;
    try {
      return parser.write(bytes);
    } catch (error) {
      if (error !== ENOUGH) throw error;
      return true;
    } finally {
      isWriting = false;
    }
  };
  read(request, parser, write, subscriber);
};

/** Ends the work of a parser whose form has failed. */
const ENOUGH: unique symbol = Symbol('enough');

/** @param name - `undefined` for a part that has none, which the types of busboy do not know. */
const isBadName = (name: string | undefined, { maxNameBytes }: CheckedLimits): boolean =>
  name === undefined || Buffer.byteLength(name) > maxNameBytes;

/** The body into the parser, which says when it has enough. */
const read = (
  { body$ }: HttpRequest,
  parser: busboy.Busboy,
  write: (bytes: Buffer) => boolean,
  subscriber: Subscriber<MultipartPart>,
): void => {
  let body: PausableSubscription | undefined;
  const sink = new Subscriber<Buffer>({
    next: (bytes: Buffer) => {
      if (!write(bytes)) body?.pause();
    },
    error: (error: unknown) => subscriber.error(error),
    complete: () => void parser.end(),
  });
  subscriber.add(sink);
  parser.on('drain', () => body?.resume());
  if (!isPausable(body$)) {
    body$.subscribe(sink);
    return;
  }
  body = body$.subscribePausable(sink);
  body.resume();
};

const malformed = (cause: unknown): HttpError => new HttpError(400, 'the form is malformed', { cause });
