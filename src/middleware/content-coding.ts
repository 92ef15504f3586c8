/** The content codings of this runtime, RFC 9110 §8.4.1; RFC 8878 for zstd. */
import zlib from 'node:zlib';
import type { Encoder } from './encoding.js';

/** A coding that `accept-encoding` may name. */
export type ContentCoding = 'zstd' | 'br' | 'gzip';

export interface Compressor {
  /** A stream whose `flush` gives out all that it was given. */
  create(): Encoder;
  compress(bytes: Uint8Array, done: (error: Error | null, compressed: Buffer) => void): void;
}

/** zstd is there from Node.js 22.15 on, and not in the types of older versions. */
interface ZstdLibrary {
  createZstdCompress?(options: object): Encoder;
  zstdCompress?(bytes: Uint8Array, options: object, done: (error: Error | null, compressed: Buffer) => void): void;
}

const { constants } = zlib;
/** What a reply is worth that is made for one client: 4 of 11 is what servers on the way use, too. */
const BROTLI = { flush: constants.BROTLI_OPERATION_PROCESS, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const GZIP = { level: 6 };

/** @returns `undefined` for a coding that this runtime has not got. */
export const compressorFor = (coding: ContentCoding): Compressor | undefined => {
  switch (coding) {
    case 'br':
      return {
        create: () => flushing(zlib.createBrotliCompress(BROTLI), constants.BROTLI_OPERATION_FLUSH),
        compress: (bytes, done) => zlib.brotliCompress(bytes, BROTLI, done),
      };
    case 'gzip':
      return {
        create: () => flushing(zlib.createGzip(GZIP), constants.Z_SYNC_FLUSH),
        compress: (bytes, done) => zlib.gzip(bytes, GZIP, done),
      };
    case 'zstd': {
      const { createZstdCompress, zstdCompress } = zlib as ZstdLibrary; // asked, not assumed
      if (createZstdCompress === undefined || zstdCompress === undefined) return undefined;
      return {
        create: () => createZstdCompress({}), // its `flush` is ZSTD_e_flush by default
        compress: (bytes, done) => zstdCompress(bytes, {}, done),
      };
    }
  }
};

/** gzip would begin anew with each flush, and brotli would end a block that costs more. */
const flushing = (encoder: zlib.Gzip | zlib.BrotliCompress, kind: number): Encoder => {
  const flush = encoder.flush.bind(encoder) as (kind: number, callback?: () => void) => void; // one of its overloads
  return Object.assign(encoder, { flush: (callback?: () => void) => flush(kind, callback) });
};
