/** Request bodies as forms. */
import { type OperatorFunction, pipe, tap } from 'rxjs';
import { ProtocolError } from '../../errors.js';
import { eachBody } from './as-bytes.js';
import { textFrom } from './as-text.js';
import type { HttpRequest } from '../request.js';

/** Names → values; a name that stands more than once has a list. Null prototype. */
export type Form = Record<string, string | string[]>;

/**
 * Each request's body as an `application/x-www-form-urlencoded` form, WHATWG URL §5.1.
 *
 * Fails with 415 for another content type (none at all is taken for a form), and as {@link asText}.
 */
export const asForm = (): OperatorFunction<HttpRequest, Form> =>
  pipe(
    tap(checkType),
    eachBody((bytes, request) => parse(textFrom(bytes, request))),
  );

const checkType = ({ contentType }: HttpRequest): void => {
  if (contentType !== undefined && !FORM_TYPE.test(contentType)) throw new ProtocolError('RHK_NOT_A_FORM');
};

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;

const parse = (text: string): Form => {
  const form = Object.create(null) as Form; // Object.create is typed any
  for (const [name, value] of new URLSearchParams(text)) {
    const before = form[name];
    if (before === undefined) form[name] = value;
    else if (typeof before === 'string') form[name] = [before, value];
    else before.push(value);
  }
  return form;
};
