/** Request bodies as forms. */
import { type OperatorFunction, pipe, tap } from 'rxjs';
import { HttpError, ProtocolError } from '../../errors.js';
import { integerOption, knownOptions } from '../number-option.js';
import { eachBody } from './as-bytes.js';
import { textFrom } from './as-text.js';
import type { HttpRequest } from '../request.js';

/** Names → values; a name that stands more than once has a list. Null prototype. */
export type Form = Record<string, string | string[]>;

/** Options of {@link asForm}. */
export interface FormOptions {
  /** Past it 413. Default 1 000. */
  readonly maxParams?: number | undefined;
}

/**
 * Each request's body as an `application/x-www-form-urlencoded` form, WHATWG URL §5.1.
 *
 * Fails with 415 for another content type (none at all is taken for a form), with 413 past `maxParams`, and as {@link asText}.
 */
export const asForm = (options: FormOptions = {}): OperatorFunction<HttpRequest, Form> => {
  knownOptions(options, ['maxParams']);
  const maxParams = integerOption('maxParams', options.maxParams, 1_000, 0, Infinity);
  return pipe(
    tap(checkType),
    eachBody((bytes, request) => parseForm(textFrom(bytes, request), maxParams)),
  );
};

const checkType = ({ contentType }: HttpRequest): void => {
  if (contentType !== undefined && !FORM_TYPE.test(contentType)) throw new ProtocolError('RHK_NOT_A_FORM');
};

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;

/** @throws {@link HttpError} 413 past `maxParams`, before anything is parsed: objects cost far more than the octets that ask for them. */
export const parseForm = (text: string, maxParams: number): Form => {
  const form = Object.create(null) as Form; // Object.create is typed any
  if (text === '') return form;
  if (countOf('&', text) + 1 > maxParams) throw new HttpError(413, 'too many parameters');
  for (const [name, value] of new URLSearchParams(text)) {
    const before = form[name];
    if (before === undefined) form[name] = value;
    else if (typeof before === 'string') form[name] = [before, value];
    else before.push(value);
  }
  return form;
};

const countOf = (character: string, text: string): number => {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
};
