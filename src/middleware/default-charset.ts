/** The charset of text that does not say its own. */
import { OptionError } from '../errors.js';
import { isToken } from '../protocol/grammar.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { mapResponse } from './map-response.js';
import { fieldOf, withFields } from './response-fields.js';

/** Ring's: what is text and has no charset that goes without saying. */
const TEXT = /^(?:text\/|application\/(?:xml|javascript)(?:;|$))/i;

/**
 * Adds a charset to the `content-type` of text that has none.
 *
 * @param charset - Default `utf-8`, which is how the server writes strings; another one is true only of bodies of bytes.
 * @throws {@link OptionError} for what is no name of a charset.
 */
export const defaultCharset = (charset: string = 'utf-8'): Middleware => {
  if (typeof charset !== 'string' || !isToken(charset))
    throw new OptionError('charset', `is ${JSON.stringify(charset)}, must be a name as utf-8`);
  return function defaultCharset(handler: Handler): Handler {
    return mapResponse(handler, (response) => {
      const type = fieldOf(response, 'content-type');
      if (type === undefined || !TEXT.test(type) || /;\s*charset\s*=/i.test(type)) return response;
      return withFields(response, { 'content-type': `${type}; charset=${charset}` });
    });
  };
};
