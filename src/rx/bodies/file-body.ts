/** A file as a body: opened when the reply is sent, read as the client takes it, closed whatever happens. */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ByteRange } from './file-formats.js';
import { HandlerError } from '../../errors.js';

/** Made by {@link file}. */
export class FileBody {
  readonly path: string;
  /** The part that is sent; `undefined` for all of it. */
  readonly range: ByteRange | undefined;

  constructor(path: string, range?: ByteRange) {
    this.path = path;
    this.range = range;
  }
}

/**
 * A file as a body, with its size as content-length.
 *
 * A missing file (or one that is a directory) is a 404, any other failure to open it a 500. The path is used as it is:
 * one that comes from a client must have been checked before.
 */
export const file = (path: string | URL): FileBody => new FileBody(typeof path === 'string' ? path : fileURLToPath(path));

/** An open file: the octets to be sent, and the stream that closes it. */
export interface OpenFile {
  readonly size: number;
  readonly stream: Readable;
}

/** @throws HandlerError `RHK_FILE_NOT_FOUND`, or the system's error. */
export const openFile = async ({ path, range }: FileBody): Promise<OpenFile> => {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw NOT_THERE.has(codeOf(cause)) ? new HandlerError('RHK_FILE_NOT_FOUND', undefined, { cause }) : cause;
  });
  const stats = await handle.stat().catch(async (cause: unknown) => {
    await handle.close();
    throw cause;
  });
  if (!stats.isFile()) {
    await handle.close();
    throw new HandlerError('RHK_FILE_NOT_FOUND');
  }
  if (range !== undefined) {
    if (range.end >= stats.size) {
      await handle.close();
      throw new HandlerError('RHK_BODY_LENGTH', `a file has ${stats.size} octets where ${range.end + 1} were announced`);
    }
    const { start, end } = range;
    return { size: end - start + 1, stream: handle.createReadStream({ start, end, highWaterMark: 65_536 }) };
  }
  if (stats.size === 0) {
    await handle.close();
    return { size: 0, stream: Readable.from([]) };
  }
  // Never more than was announced: the file may grow while it is read.
  return { size: stats.size, stream: handle.createReadStream({ end: stats.size - 1, highWaterMark: 65_536 }) };
};

const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
