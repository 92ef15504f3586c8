/** Parameters whose names say how they are nested: `address[street]`, `tags[]`. */
import type qsPackage from 'qs';
import { HttpError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { paramsOf } from './params.js';
import { type RequestMiddleware, requestMiddleware } from './request-middleware.js';

/** Null prototype at each depth. */
export interface NestedParams {
  readonly [name: string]: string | NestedParams | readonly (string | NestedParams)[] | undefined;
}

/** Options of {@link nestedParams}. */
export interface NestedParamsOptions {
  /** How deep names may nest; past it 400. Default 5. */
  readonly depth?: number | undefined;
  /** Lists up to this length are lists; of a higher index an object is made. Default 100. */
  readonly arrayLimit?: number | undefined;
}

/** What {@link nestedParams} adds. */
export interface NestedParamsFields {
  readonly nestedParams: NestedParams;
}

/** Names that reach for what all objects share. They are dropped, however deep they stand. */
const POLLUTING = /__proto__|constructor\]?\[prototype\]/;

/**
 * Adds `nestedParams`, made of the `params` that {@link params} and {@link multipartParams} have found: they have to stand around it.
 *
 * A name that reaches for a prototype is dropped. Fails with 400 past `depth`. Needs the package `qs`.
 */
export const nestedParams = (options: NestedParamsOptions = {}): RequestMiddleware<NestedParamsFields> => {
  knownOptions(options, ['depth', 'arrayLimit']);
  const depth = integerOption('depth', options.depth, 5, 0, 100);
  const arrayLimit = integerOption('arrayLimit', options.arrayLimit, 100, 0, 10_000);
  const qs = optionalPackage<typeof qsPackage>('qs', 'nestedParams');
  const fieldsOf = (request: HttpRequest): NestedParamsFields => {
    const flat = Object.create(null) as Record<string, unknown>; // Object.create is typed any
    for (const [name, value] of Object.entries(paramsOf(request))) {
      if (!POLLUTING.test(name)) flat[name] = value;
    }
    try {
      // qs takes parsed pairs for a string that it has parsed itself, which its types do not say
      const nested = qs.parse(flat as Record<string, string>, { depth, arrayLimit, plainObjects: true, strictDepth: true });
      return { nestedParams: nested as NestedParams };
    } catch (cause) {
      throw new HttpError(400, 'parameters are nested too deep', { cause });
    }
  };
  return requestMiddleware(
    'nestedParams',
    function nestedParams(handler: Handler): Handler {
      return passThrough(handler, (request) => ({ request: extend(request, fieldsOf(request)) }));
    },
    fieldsOf,
  );
};
