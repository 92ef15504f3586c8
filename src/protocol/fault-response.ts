/**
 * What a client is told of an error: one place for all three seams (before a request exists, while the handler runs,
 * while the reply is written). Says nothing of the inside and nothing of the input.
 */
import { ERRORS, HttpError, HttpKitError, OverloadError } from '../errors.js';
import type { ResponseHeaders } from './response-head.js';

/** A whole reply, `text/plain`. */
export interface FaultResponse {
  readonly status: number;
  readonly headers: ResponseHeaders | undefined;
  readonly body: string;
}

/**
 * @param error - What was thrown. Of a {@link HttpError} the client gets status and message, of our own errors the
 *   sentence of the table, of all else a 500 and no word about why.
 */
export const faultResponse = (error: unknown): FaultResponse => {
  if (error instanceof HttpError) return { status: error.status, headers: error.headers, body: error.message };
  if (!(error instanceof HttpKitError) || error.status === 0) {
    return { status: 500, headers: undefined, body: ERRORS.RHK_HANDLER_FAILED.sentence };
  }
  const headers = error instanceof OverloadError ? { 'retry-after': error.retryAfter } : undefined;
  return { status: error.status, headers, body: ERRORS[error.code].sentence };
};
