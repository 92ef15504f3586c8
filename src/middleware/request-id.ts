/** A name for each request, the same in all logs. */
import { randomUUID } from 'node:crypto';
import { OptionError } from '../errors.js';
import { isToken } from '../protocol/grammar.js';
import type { Handler } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';
import { withFields } from './response-fields.js';

/** Options of {@link requestId}. */
export interface RequestIdOptions {
  /** The field of requests and replies. Default `x-request-id`. */
  readonly header?: string | undefined;
  /** Takes the id that a client sends, if it is well-formed. Default `true`. */
  readonly incoming?: boolean | undefined;
  /** Makes an id. Default a random UUID. */
  readonly generate?: (() => string) | undefined;
}

/** What {@link requestId} adds. */
export interface RequestIdFields {
  readonly requestId: string;
}

/** Nothing that could end a line, a field or a query. */
const WELL_FORMED = /^[A-Za-z0-9._~+/=:@-]{1,128}$/;

/**
 * Adds `requestId` to requests, and says it in all replies, errors included. A client's own id is taken if it has 1 to 128 letters,
 * digits or `._~+/=:@-`, else it gets a new one.
 */
export const requestId = (options: RequestIdOptions = {}): RequestMiddleware<RequestIdFields> => {
  knownOptions(options, ['header', 'incoming', 'generate']);
  const { header = 'x-request-id', incoming = true, generate = randomUUID } = options;
  if (typeof header !== 'string' || !isToken(header)) throw new OptionError('header', `is ${JSON.stringify(header)}, must be a field name`);
  if (typeof incoming !== 'boolean') throw new OptionError('incoming', `is ${String(incoming)}, must be true or false`);
  if (typeof generate !== 'function') throw new OptionError('generate', `is a ${typeof generate}, must be a function`);
  const name = header.toLowerCase();
  const fieldsOf = ({ headers }: HttpRequest): RequestIdFields => {
    const sent = headers[name];
    return { requestId: incoming && sent !== undefined && WELL_FORMED.test(sent) ? sent : generate() };
  };
  return requestMiddleware(
    'requestId',
    function requestId(handler: Handler): Handler {
      return passThrough(handler, (request) => {
        const added = fieldsOf(request);
        const fields = { [name]: added.requestId };
        return { request: extend(request, added), response: (response) => withFields(response, fields), faultFields: () => fields };
      });
    },
    fieldsOf,
  );
};
