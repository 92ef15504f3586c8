/** Request bodies as text. */
import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import type { OperatorFunction } from 'rxjs';
import { ProtocolError } from '../../errors.js';
import { eachBody } from './as-bytes.js';
import type { HttpRequest } from '../request.js';

/**
 * Each request's body as text, in the charset of its content type (any label of WHATWG Encoding), UTF-8 by default. A byte
 * order mark is taken off.
 *
 * Fails with 415 for a charset that is not known, 400 for bytes that are no text in it, 413 past `maxBody`.
 */
export const asText = (): OperatorFunction<HttpRequest, string> => eachBody(textFrom);

/** The text of a body, in the charset of its request. */
export const textFrom = (bytes: Buffer, request: HttpRequest): string => decode(bytes, request.characterEncoding);

const decode = (bytes: Buffer, charset: string | undefined): string => {
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') {
    if (!isUtf8(bytes)) throw new ProtocolError('RHK_BAD_TEXT');
    return bytes.toString('utf8', hasByteOrderMark(bytes) ? 3 : 0);
  }
  const decoder = decoderFor(charset);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ProtocolError('RHK_BAD_TEXT', undefined, { cause });
  }
};

const hasByteOrderMark = (bytes: Buffer): boolean => bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

const decoderFor = (charset: string): TextDecoder => {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw new ProtocolError('RHK_UNKNOWN_CHARSET', undefined, { cause });
  }
};
