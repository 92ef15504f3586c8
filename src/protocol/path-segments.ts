/** A request's path as names of files, or nothing: every way out of a folder is closed here, before a file system is asked. */

const DRIVE = /^[A-Za-z]:/;
/** Control characters, the separators of all systems, and NUL, which ends a name in C. */
const NEVER_IN_A_NAME = /[\x00-\x1f\x7f/\\]/;
/** What Windows takes for a device, a stream, or another name than the one that is written. */
const NOT_ON_WINDOWS = /[:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * The segments of a percent-encoded absolute path, decoded once, each fit to be the name of a file. An empty last one tells of a
 * slash at the end.
 *
 * @returns `null` for a path with `.` or `..`, an empty segment, an escape that is none or no UTF-8, a separator or a control
 *   character inside of a segment, or a drive; on Windows also for names that mean something else there.
 */
export const pathSegments = (path: string, isWindows: boolean): string[] | null => {
  if (!path.startsWith('/')) return null;
  const segments: string[] = [];
  const encoded = path.slice(1).split('/');
  for (let i = 0; i < encoded.length; i++) {
    const segment = decoded(encoded[i]);
    if (segment === null || segment === '.' || segment === '..') return null;
    if (segment === '' && i < encoded.length - 1) return null;
    if (NEVER_IN_A_NAME.test(segment) || DRIVE.test(segment)) return null;
    if (isWindows && NOT_ON_WINDOWS.test(segment)) return null;
    segments.push(segment);
  }
  return segments;
};

const decoded = (segment: string): string | null => {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
};
