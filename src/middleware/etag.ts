/** Entity tags of replies that have none. */
import { createHash } from 'node:crypto';
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { mapResponse } from './map-response.js';
import { isWhole, markWhole } from './mark-whole.js';
import { fieldsOf, withFields } from './response-fields.js';

/** Options of {@link etag}. */
export interface EtagOptions {
  /** Marks tags as weak: the same for what means the same, where something further out changes octets. Default `false`. */
  readonly weak?: boolean | undefined;
}

/**
 * Gives a 200 to GET and HEAD an `etag`, a hash of its body, where the body is all there at once; streams pass as they are. Together
 * with {@link notModified} around it, a client that has the body is sent none.
 *
 * @example `compose(notModified(), etag())(handler)`
 */
export const etag = (options: EtagOptions = {}): Middleware => {
  knownOptions(options, ['weak']);
  const { weak = false } = options;
  if (typeof weak !== 'boolean') throw new OptionError('weak', `is ${String(weak)}, must be true or false`);
  return function etag(handler: Handler): Handler {
    return mapResponse(markWhole(handler), (response, { method }) => {
      if ((method !== 'GET' && method !== 'HEAD') || (response.status ?? 200) !== 200 || !isWhole(response)) return response;
      if (fieldsOf(response)['etag'] !== undefined) return response;
      const hash = createHash('sha256').update(response.body).digest('base64url').slice(0, 27);
      return withFields(response, { etag: `${weak ? 'W/' : ''}"${hash}"` });
    });
  };
};
