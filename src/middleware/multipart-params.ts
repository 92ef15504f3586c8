/** Forms with files: fields as values, files in files. */
import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { defer, map, Observable } from 'rxjs';
import { OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { extend, type HttpRequest, originOf } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { checkLimits, checkParser, type FilePart, isMultipart, type MultipartLimits, multipartParts } from './multipart-parts.js';
import { addParam, emptyParams, type Params, paramsOf } from './params.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';

/** Options of {@link multipartParams}. */
export interface MultipartParamsOptions extends MultipartLimits {
  /** Where temporary files go. Default the system's folder for them. */
  readonly directory?: string | undefined;
}

/** A file that was sent, on disk until the reply is over. */
export interface UploadedFile {
  /** As the client calls it, without folders; fit to be shown, not to be a path. Empty where no file was chosen in a form. */
  readonly filename: string;
  /** As the client calls it. */
  readonly contentType: string;
  /** Where it is. Who wants to keep it moves it or copies it before the reply is over. */
  readonly path: string;
  /** Octets. */
  readonly size: number;
}

type Uploads = Record<string, string | UploadedFile | (string | UploadedFile)[]>;

/** What {@link multipartParams} adds. */
export interface MultipartParamsFields {
  /** Names → values and files, a list for a name that stands more than once; null prototype. Empty where the body is another form, or none. */
  readonly multipartParams: Readonly<Uploads>;
  /** Those that are text, with what {@link params} has found, which wins. */
  readonly params: Readonly<Params>;
}

/**
 * Adds `multipartParams` to requests, read from a `multipart/form-data` body, whose files go to temporary files as fast as the disk
 * takes them; other bodies are left alone.
 *
 * The files are removed when the reply is over, however it ended: sent, failed, cut, left by the client, refused on the way; and, as far
 * as possible, when the process ends. Fails with 400 for a malformed form, with 413 past a limit. Needs
 * the package `busboy`.
 */
export const multipartParams = (options: MultipartParamsOptions = {}): RequestMiddleware<MultipartParamsFields> => {
  const limits = checkLimits(options, ['directory']);
  const { directory = tmpdir() } = options;
  checkParser('multipartParams');
  if (typeof directory !== 'string' || directory === '') throw new OptionError('directory', 'must be the path of a folder');
  const fieldsOf = (request: HttpRequest & Partial<MultipartParamsFields>): MultipartParamsFields | Observable<MultipartParamsFields> => {
    if (request.multipartParams !== undefined) return together(request, request.multipartParams); // nobody reads a body twice
    return isMultipart(request) ? defer(() => receive(request, limits, directory)) : together(request, emptyUploads());
  };
  return requestMiddleware(
    null,
    function multipartParams(handler: Handler): Handler {
      return passThrough(handler, (request) => {
        const added = fieldsOf(request);
        if (!(added instanceof Observable)) return { request: extend(request, added) };
        return added.pipe(map((fields) => ({ request: extend(request, fields) })));
      });
    },
    fieldsOf,
  );
};

/** Emits once, when all has been written. */
const receive = (request: HttpRequest, limits: MultipartLimits, directory: string): Observable<MultipartParamsFields> => {
  const folder = new TemporaryFolder(directory);
  originOf(request)?.reply?.whenOver(() => folder.remove());
  /** In the order of the form: files are not written in the order in which they are done. */
  const parts: { readonly name: string; value: string | UploadedFile | undefined }[] = [];
  return new Observable((subscriber) => {
    let writing = 0;
    let isLast = false;
    const finish = (): void => {
      if (!isLast || writing > 0) return;
      const uploads = emptyUploads();
      for (const { name, value } of parts) if (value !== undefined) add(uploads, name, value);
      subscriber.next(together(request, uploads));
      subscriber.complete();
    };
    subscriber.add(() => {
      if (!isLast || writing > 0) folder.remove(); // nobody will ever see what is there
    });
    const write = (part: FilePart): void => {
      const place: (typeof parts)[number] = { name: part.name, value: undefined };
      parts.push(place);
      writing++;
      folder.save(part).then(
        (file) => {
          place.value = file;
          writing--;
          finish();
        },
        (error: unknown) => subscriber.error(error),
      );
    };
    subscriber.add(
      multipartParts(request, limits).subscribe({
        next: (part) => (part.kind === 'file' ? write(part) : void parts.push(part)),
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          isLast = true;
          finish();
        },
      }),
    );
  });
};

const piping = promisify(pipeline);

/** The files of one request. Made with the first of them. */
class TemporaryFolder {
  private readonly directory: string;
  private made: Promise<string> | undefined;
  private count: number;
  private isRemoved: boolean;

  constructor(directory: string) {
    this.directory = directory;
    this.made = undefined;
    this.count = 0;
    this.isRemoved = false;
  }

  async save({ filename, contentType, stream }: FilePart): Promise<UploadedFile> {
    this.made ??= this.make();
    const path = join(await this.made, String(this.count++)); // no name of a client's choice
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    await piping(stream, file);
    return { filename, contentType, path, size: file.bytesWritten };
  }

  /** Also what is being made. */
  remove(): void {
    if (this.isRemoved) return;
    this.isRemoved = true;
    this.made?.then(removeFolder, () => {}); // one that could not be made has told its request
  }

  private async make(): Promise<string> {
    const path = await mkdtemp(join(this.directory, 'rx-http-kit-'));
    remember(path);
    return path;
  }
}

const folders = new Set<string>();
let isWatching = false;

const remember = (path: string): void => {
  folders.add(path);
  if (isWatching) return;
  isWatching = true;
  process.once('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
};

const removeFolder = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5 }); // a file may just be made there
    folders.delete(path);
  } catch {
    // tried once more when the process ends
  }
};

const emptyUploads = (): Uploads => Object.create(null) as Uploads; // Object.create is typed any

const add = (uploads: Uploads, name: string, value: string | UploadedFile): void => {
  const before = uploads[name];
  if (before === undefined) uploads[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else uploads[name] = [before, value];
};

const together = (request: HttpRequest, multipartParams: Readonly<Uploads>): MultipartParamsFields => {
  const params = emptyParams();
  for (const [name, value] of Object.entries(multipartParams)) {
    for (const member of Array.isArray(value) ? value : [value]) if (typeof member === 'string') addParam(params, name, member);
  }
  return { multipartParams, params: Object.assign(params, paramsOf(request)) };
};
