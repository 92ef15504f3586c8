/** Request bodies as JSON values. */
import type { OperatorFunction } from 'rxjs';
import { ProtocolError } from '../../errors.js';
import { eachBody } from './as-bytes.js';
import { textFrom } from './as-text.js';
import type { HttpRequest } from '../request.js';

/**
 * Each request's body as the value of its JSON text, whatever its content type says.
 *
 * Fails with 400 for a body that is not JSON (an empty one is none), and as {@link asText}.
 *
 * @typeParam T - Not checked: validate what comes from outside.
 */
export const asJson = <T = unknown>(): OperatorFunction<HttpRequest, T> => eachBody((bytes, request) => parse<T>(textFrom(bytes, request)));

const parse = <T>(text: string): T => {
  try {
    return JSON.parse(text) as T; // the caller's claim, see the type parameter
  } catch (cause) {
    throw new ProtocolError('RHK_BAD_JSON', undefined, { cause });
  }
};
