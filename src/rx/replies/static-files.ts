/**
 * Files of a folder as replies: RFC 9110 §13 (conditions), §14 (ranges), §12.5.3 (content codings).
 *
 * Owns: which file a path means, and that none outside of the folder is ever meant; what is answered. Leaves: reading the file
 * to `file-body.ts`, what has no name in a folder to `protocol/path-segments.ts`.
 */
import { realpathSync, type Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, OptionError } from '../../errors.js';
import { pathSegments } from '../../protocol/path-segments.js';
import { FileBody } from '../bodies/file-body.js';
import { type FileFormats, loadFileFormats } from '../bodies/file-formats.js';
import { formatHttpDate } from './http-date.js';
import { knownOptions } from '../number-option.js';
import { isRangeWanted, preconditionOf } from './preconditions.js';
import type { HttpRequest } from '../request.js';
import type { HttpResponse } from '../response.js';

/** Options of {@link staticFiles}. */
export interface StaticFilesOptions {
  /** Names that stand for a folder, the first that is there. Default `['index.html']`; an empty list answers no folder. */
  readonly index?: readonly string[] | undefined;
  /** Names that begin with a dot and may be served all the same: `['.well-known']`. Default none. */
  readonly dotfiles?: readonly string[] | undefined;
  /** `inside` follows links that lead to a place in the folder, `refuse` none at all. Default `inside`. */
  readonly symlinks?: 'inside' | 'refuse' | undefined;
  /**
   * Serves `app.js.br` or `app.js.gz` for `app.js` where the client takes it: codings, the preferred first. Default
   * `['br', 'gzip']`; an empty list looks for none.
   */
  readonly precompressed?: readonly ('br' | 'gzip')[] | undefined;
  /** Value of `cache-control`. Default none. */
  readonly cacheControl?: string | undefined;
  /** Media types of extensions that are not known, or known as something else: `{ '.wasm': 'application/wasm' }`. */
  readonly mimeTypes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Finds the reply for a path.
 *
 * @param path - Percent-encoded, from the folder on, beginning with a slash.
 * @returns `null` for what is not there, may not be served, or is asked for with another method than GET and HEAD.
 */
export type StaticFiles = (request: HttpRequest, path: string) => Promise<HttpResponse | null>;

const OPTIONS = ['index', 'dotfiles', 'symlinks', 'precompressed', 'cacheControl', 'mimeTypes'];
const SUFFIXES: Readonly<Record<string, string>> = { br: '.br', gzip: '.gz' };

/**
 * The files below a folder.
 *
 * A file is answered with 200, 206 for one range (more than one, or a range that is none, gives all of it), 304, 412 or 416, with
 * `etag` (weak, of its size and time), `last-modified` and `accept-ranges`; a folder whose slash is missing with a 301. What is
 * outside of the folder is never found: neither by `..` in any encoding, nor by a link. Folders are not listed.
 *
 * @param who - What it is for, as its user calls it.
 * @throws {@link OptionError} for a folder that is not there, for a wrong option, and for a package that is missing.
 */
export const staticFiles = (who: string, root: string | URL, options: StaticFilesOptions = {}): StaticFiles => {
  const folder = folderFrom(root);
  const settings = settingsFrom(options);
  const formats = loadFileFormats(who);
  return async (request, path) => {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return null;
    const names = pathSegments(path, sep === '\\');
    if (names === null || names.some((name) => name.startsWith('.') && !settings.dotfiles.includes(name))) return null;
    const found = await find(folder, names, settings);
    if (found === null) return null;
    if (found === 'redirect') return redirectToFolder(request);
    return respond(request, found, settings, formats);
  };
};

/** As the options, with nothing missing that has a default. */
interface Settings extends StaticFilesOptions {
  readonly index: readonly string[];
  readonly dotfiles: readonly string[];
  readonly precompressed: readonly ('br' | 'gzip')[];
}

const folderFrom = (root: string | URL): string => {
  if (root === '') throw new OptionError('root', 'is empty, must be a folder; `.` is the working directory');
  try {
    return realpathSync(root instanceof URL ? fileURLToPath(root) : root);
  } catch (error) {
    throw new OptionError('root', `is not a folder that can be read: ${messageOf(error)}`);
  }
};

const settingsFrom = (options: StaticFilesOptions): Settings => {
  knownOptions(options, OPTIONS);
  const { index = ['index.html'], dotfiles = [], symlinks = 'inside', precompressed = ['br', 'gzip'], cacheControl, mimeTypes } = options;
  for (const [name, list] of Object.entries({ index, dotfiles, precompressed })) {
    if (!Array.isArray(list) || !list.every((member) => typeof member === 'string' && member !== '')) {
      throw new OptionError(name, 'must be a list of names');
    }
  }
  if (symlinks !== 'inside' && symlinks !== 'refuse')
    throw new OptionError('symlinks', `is ${messageOf(symlinks)}, must be inside or refuse`);
  for (const coding of precompressed) {
    if (!Object.hasOwn(SUFFIXES, coding)) throw new OptionError('precompressed', `has ${messageOf(coding)}, may have br and gzip`);
  }
  return { index, dotfiles, symlinks, precompressed, cacheControl, mimeTypes };
};

// ── which file ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface FoundFile {
  /** Where it is, all links followed. */
  readonly path: string;
  /** What it was asked for as. */
  readonly name: string;
  readonly stats: Stats;
}

const find = async (folder: string, names: readonly string[], settings: Settings): Promise<FoundFile | 'redirect' | null> => {
  const asksFolder = names[names.length - 1] === '';
  const path = join(folder, ...names);
  const place = await placeOf(folder, path, settings);
  if (place === null) return null;
  if (place.stats.isFile()) return asksFolder ? null : place;
  if (!place.stats.isDirectory()) return null;
  for (const name of settings.index) {
    const index = await placeOf(folder, join(path, name), settings);
    if (index !== null && index.stats.isFile()) return asksFolder ? index : 'redirect';
  }
  return null;
};

/** Links are followed here, once, so that what is opened later is what was checked. */
const placeOf = async (folder: string, path: string, { symlinks }: Settings): Promise<FoundFile | null> => {
  try {
    const real = await realpath(path);
    const lexical = path.endsWith(sep) ? path.slice(0, -1) : path;
    if (real !== lexical && (symlinks === 'refuse' || !isInside(folder, real))) return null;
    return { path: real, name: lexical, stats: await (symlinks === 'refuse' ? lstat : stat)(real) };
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
};

const isInside = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

const ABSENCES = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES', 'EPERM', 'EINVAL']);

const isAbsence = (error: unknown): boolean => error instanceof Error && 'code' in error && ABSENCES.has(String(error.code));

// ── what is answered ────────────────────────────────────────────────────────────────────────────────────────────────

/** Relative links of a page mean something else without the slash. One that begins with two slashes would name a host. */
const redirectToFolder = ({ uri, queryString }: HttpRequest): HttpResponse | null => {
  if (uri.startsWith('//') || uri.includes('\\')) return null;
  return { status: 301, headers: { location: `${uri}/${queryString === undefined ? '' : `?${queryString}`}` }, body: null };
};

const respond = async (request: HttpRequest, found: FoundFile, settings: Settings, formats: FileFormats): Promise<HttpResponse> => {
  const { method, headers: asked } = request;
  const { coding, file } = await chooseCoding(asked['accept-encoding'], found, settings, formats);
  const { size, mtimeMs } = file.stats;
  const validators = { etag: `W/"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`, lastModifiedMs: mtimeMs };
  const headers: Record<string, string | number> = {
    etag: validators.etag,
    'last-modified': formatHttpDate(mtimeMs),
    'accept-ranges': 'bytes',
  };
  if (settings.cacheControl !== undefined) headers['cache-control'] = settings.cacheControl;
  if (settings.precompressed.length > 0) headers['vary'] = 'accept-encoding';
  const precondition = preconditionOf(method, asked, validators);
  if (precondition === 'not-modified') return { status: 304, headers, body: null };
  if (precondition === 'failed') return { status: 412, body: null };
  headers['content-type'] = typeOf(found.name, settings, formats);
  if (coding !== null) headers['content-encoding'] = coding;
  // §14.2: a range counts for GET alone
  const range =
    method === 'GET' && asked['range'] !== undefined && isRangeWanted(asked, validators, Date.now()) ? asked['range'] : undefined;
  const ranges = range === undefined ? 'malformed' : formats.rangesOf(size, range);
  if (ranges === 'unsatisfiable') {
    return { status: 416, headers: { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' }, body: null };
  }
  if (ranges === 'malformed' || ranges.length > 1) {
    if (method === 'HEAD') return { status: 200, headers: { ...headers, 'content-length': size }, body: null };
    return { status: 200, headers, body: new FileBody(file.path) };
  }
  const [{ start, end }] = ranges;
  headers['content-range'] = `bytes ${start}-${end}/${size}`;
  return { status: 206, headers, body: new FileBody(file.path, { start, end }) };
};

interface Choice {
  readonly coding: string | null;
  readonly file: { readonly path: string; readonly stats: Stats };
}

/** A compressed copy beside the file, if the client prefers it to the file itself. One that is older than the file is stale. */
const chooseCoding = async (
  acceptEncoding: string | undefined,
  found: FoundFile,
  { precompressed }: Settings,
  formats: FileFormats,
): Promise<Choice> => {
  if (acceptEncoding === undefined || precompressed.length === 0) return { coding: null, file: found };
  for (const coding of formats.encodingsOf(acceptEncoding, [...precompressed, 'identity'])) {
    if (coding === 'identity') break;
    const path = found.path + SUFFIXES[coding];
    const stats = await lstat(path).catch(() => null); // a link might lead anywhere
    if (stats !== null && stats.isFile() && stats.mtimeMs >= found.stats.mtimeMs) return { coding, file: { path, stats } };
  }
  return { coding: null, file: found };
};

const typeOf = (name: string, { mimeTypes }: Settings, formats: FileFormats): string => {
  const extension = /\.[^./\\]*$/.exec(name)?.[0].toLowerCase() ?? '';
  const own = mimeTypes !== undefined && Object.hasOwn(mimeTypes, extension) ? mimeTypes[extension] : undefined;
  return own ?? formats.contentTypeOf(name) ?? 'application/octet-stream';
};
