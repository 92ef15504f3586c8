/**
 * What libraries know of files: media types, ranges, content codings. They are optional, so they are loaded by whoever serves
 * files, and by nobody else.
 */
import type mimeTypesPackage from 'mime-types';
import type NegotiatorPackage from 'negotiator';
import { extname } from 'node:path';
import type rangeParserPackage from 'range-parser';
import { optionalPackage } from '../optional-package.js';

/** The first and the last octet. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface FileFormats {
  /** `text/css; charset=utf-8` for `a.css`; `undefined` for an extension that nobody knows. */
  contentTypeOf(path: string): string | undefined;
  /** What `range` asks of so many octets, overlapping ones joined; `malformed` is to be ignored, RFC 9110 §14.2. */
  rangesOf(size: number, range: string): readonly ByteRange[] | 'unsatisfiable' | 'malformed';
  /** Those of `available` that the client takes, the best first; equal ones in the order given. */
  encodingsOf(acceptEncoding: string, available: readonly string[]): readonly string[];
}

/**
 * @param who - What serves files, as its user calls it.
 * @throws {@link OptionError} that says what to install, where a package is missing.
 */
export const loadFileFormats = (who: string): FileFormats => {
  const mimeTypes = optionalPackage<typeof mimeTypesPackage>('mime-types', who);
  const parseRange = optionalPackage<typeof rangeParserPackage>('range-parser', who);
  const Negotiator = optionalPackage<typeof NegotiatorPackage>('negotiator', who);
  return {
    contentTypeOf: (path) => mimeTypes.contentType(extname(path)) || undefined, // a file called `js` is no script
    rangesOf: (size, range) => {
      if (!/^bytes=/i.test(range)) return 'malformed'; // another unit
      const ranges = parseRange(size, range, { combine: true });
      if (ranges === -1) return 'unsatisfiable';
      return ranges === -2 ? 'malformed' : ranges;
    },
    encodingsOf: (acceptEncoding, available) => {
      const negotiator: EncodingNegotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } });
      return negotiator.encodings(available, { preferred: available });
    },
  };
};

/** Newer than its published types. */
interface EncodingNegotiator {
  encodings(available: readonly string[], options?: { readonly preferred: readonly string[] }): string[];
}
