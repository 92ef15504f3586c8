/** Redirects with a scheme and a host. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { mapResponse } from './map-response.js';
import { originOf, targetOf } from './request-url.js';
import { fieldOf, withFields } from './response-fields.js';

/** Options of {@link absoluteRedirects}. */
export interface AbsoluteRedirectsOptions {
  /** `https://a.example`, whatever host the client named. Default what it named, which any client can choose. */
  readonly origin?: string | undefined;
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const REDIRECTS = new Set([201, 301, 302, 303, 307, 308]);

/**
 * Makes the `location` of 201 and 3xx absolute, for clients older than RFC 7231. One that is absolute stays as it is.
 *
 * A location with a line break is a 500, as any field is.
 */
export const absoluteRedirects = (options: AbsoluteRedirectsOptions = {}): Middleware => {
  knownOptions(options, ['origin']);
  const { origin } = options;
  if (origin !== undefined && !isOrigin(origin))
    throw new OptionError('origin', `is ${JSON.stringify(origin)}, must be like https://a.example`);
  return function absoluteRedirects(handler: Handler): Handler {
    return mapResponse(handler, (response, request) => {
      if (!REDIRECTS.has(response.status ?? 200)) return response;
      const location = fieldOf(response, 'location');
      if (location === undefined || ABSOLUTE.test(location)) return response;
      const base = `${origin ?? originOf(request)}${request.uri.startsWith('/') ? targetOf(request) : '/'}`;
      if (/[^\x21-\x7e]/.test(location)) return response; // URL would take line breaks away: the server has to see them
      return URL.canParse(location, base) ? withFields(response, { location: new URL(location, base).href }) : response;
    });
  };
};

const isOrigin = (text: unknown): boolean => typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text;
