/**
 * Fields for the reply that an error becomes. An error travels to the end of the pipeline as it is, so that whoever stands there may
 * catch it; what middleware on its way would have added to a reply is remembered beside it.
 */
import type { HeaderValue } from '../../protocol/response-head.js';
import { type FaultFields, type HttpRequest, originOf } from '../request.js';

/** In place of an error: what the body of a reply fails with, before the head has left. Nobody on the way hears of that one. */
export const OF_BODY: unique symbol = Symbol('what a body fails with');

/**
 * Adds fields to the reply that `error` becomes, should it be the one that the request ends with.
 *
 * @param error - `undefined` for the 404 that is sent when nobody has answered, {@link OF_BODY} for any that the body has.
 */
export const addFaultFields = (request: HttpRequest, error: unknown, fields: Readonly<Record<string, HeaderValue>>): void => {
  const origin = originOf(request);
  if (origin !== undefined) (origin.faultFields ??= []).push({ error, fields });
};

/**
 * What was remembered for an error: fields of the error's own stand, of others the outermost.
 *
 * @param own - Fields of the error.
 */
export const faultHeaders = <H>(
  remembered: readonly FaultFields[] | null,
  error: unknown,
  own: H,
): H | Iterable<readonly [string, HeaderValue]> => {
  const exact = remembered?.filter((entry) => entry.error === error) ?? [];
  const entries = exact.length > 0 ? exact : (remembered?.filter((entry) => entry.error === OF_BODY) ?? []);
  if (entries.length === 0) return own;
  const fields = new Map<string, HeaderValue>();
  for (const entry of entries) {
    for (const [name, value] of Object.entries(entry.fields)) {
      const before = fields.get(name);
      fields.set(name, name === 'vary' && before !== undefined ? `${String(before)}, ${String(value)}` : value);
    }
  }
  for (const [name, value] of Object.entries(own ?? {})) fields.set(name.toLowerCase(), value as HeaderValue); // headers of an HttpError
  return fields;
};
