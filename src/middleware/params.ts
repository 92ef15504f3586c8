/** The parameters of a request: those of its query and those of its form. */
import { concatMap, map, Observable, of } from 'rxjs';
import { parseForm } from '../rx/requests/as-form.js';
import { asText } from '../rx/requests/as-text.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';

/** Names → values; a name that stands more than once has a list. Null prototype: `__proto__` is a name like any other. */
export type Params = Record<string, string | string[] | undefined>;

/** Options of {@link params}. */
export interface ParamsOptions {
  /** Parameters of a query, and of a form; past it 413. Default 1 000. */
  readonly maxParams?: number | undefined;
}

/** What {@link params} adds. */
export interface ParamsFields {
  readonly queryParams: Readonly<Params>;
  /** Empty where the body is no `application/x-www-form-urlencoded` form. */
  readonly formParams: Readonly<Params>;
  /** Both, and those that a route has found: what stands later in this list wins. */
  readonly params: Readonly<Params>;
}

/**
 * Adds `queryParams`, `formParams` and `params` to requests. Reads the body of a form, which then cannot be read again, and of
 * nothing else.
 *
 * Inside a route the request has the params of its path alone; as an operator there, this gives all of them again, and reads nothing
 * where it stands around already.
 *
 * Fails with 413 past `maxParams` or `maxBody`, with 400 for text that is not in its charset, with 415 for a charset that nobody
 * knows.
 */
export const params = (options: ParamsOptions = {}): RequestMiddleware<ParamsFields> => {
  knownOptions(options, ['maxParams']);
  const maxParams = integerOption('maxParams', options.maxParams, 1_000, 0, Infinity);
  const fieldsOf = (request: HttpRequest & Partial<ParamsFields>): ParamsFields | Observable<ParamsFields> => {
    const { queryParams: query, formParams: form } = request;
    if (query !== undefined && form !== undefined) return together(request, query, form); // nobody reads a body twice
    const queryParams = parseForm(request.queryString ?? '', maxParams);
    if (!isForm(request)) return together(request, queryParams, emptyParams());
    return of(request).pipe(
      asText(),
      map((text) => together(request, queryParams, parseForm(text, maxParams))),
    );
  };
  return requestMiddleware(
    null,
    function params(handler: Handler): Handler {
      return passThrough(handler, (request) => {
        const added = fieldsOf(request);
        if (!(added instanceof Observable)) return { request: extend(request, added) };
        return added.pipe(concatMap((fields) => of({ request: extend(request, fields) })));
      });
    },
    fieldsOf,
  );
};

export const addParam = (params: Params, name: string, value: string): void => {
  const before = params[name];
  if (before === undefined) params[name] = value;
  else if (typeof before === 'string') params[name] = [before, value];
  else before.push(value);
};

export const emptyParams = (): Params => Object.create(null) as Params; // Object.create is typed any

/** What a router or other middleware has found so far. */
export const paramsOf = (request: HttpRequest): Readonly<Params> => (request as Partial<ParamsFields>).params ?? {}; // asked, not assumed

const together = (request: HttpRequest, queryParams: Readonly<Params>, formParams: Readonly<Params>): ParamsFields => ({
  queryParams,
  formParams,
  params: Object.assign(emptyParams(), queryParams, formParams, paramsOf(request)),
});

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;

const isForm = ({ contentType }: HttpRequest): boolean => contentType !== undefined && FORM_TYPE.test(contentType);
