/**
 * The header fields of a response, whatever shape a handler gave them, as middleware reads and changes them.
 *
 * Responses are never changed, only copied with other fields. Names are compared without case, and leave in lower case.
 */
import type { HeaderValue } from '../protocol/response-head.js';
import type { HttpResponse } from '../rx/response.js';

/** Names in lower case; nothing is inherited, so that `__proto__` is a name like any other. */
export type ResponseFields = Readonly<Record<string, HeaderValue>>;

/** What records that were made here have in common: they need not be made again by the next middleware. Has nothing itself. */
const MADE: object = Object.freeze(Object.create(null) as object); // Object.create is typed any

/** A name that stands more than once has a list. */
export const fieldsOf = ({ headers }: HttpResponse): ResponseFields => {
  if (headers === undefined || headers === null) return NONE;
  if (Object.getPrototypeOf(headers) === MADE) return headers as ResponseFields; // nobody else has this prototype
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  const fields = emptyFields();
  for (const [name, value] of entries) add(fields, String(name).toLowerCase(), value);
  return fields;
};

/** A field's value as it would leave; lists joined, RFC 9110 §5.3. */
export const fieldOf = (response: HttpResponse, name: string): string | undefined => {
  const value = fieldsOf(response)[name];
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.join(', ') : String(value);
};

/** The response with these fields; `undefined` takes one away. */
export const withFields = <R extends HttpResponse>(response: R, changes: Readonly<Record<string, HeaderValue>>): R => {
  const fields = copyOf(fieldsOf(response));
  for (const name of Object.keys(changes)) {
    const value = changes[name];
    if (value !== undefined) fields[name] = value;
    else if (fields[name] !== undefined) delete fields[name];
  }
  return { ...response, headers: fields };
};

/** The response with those of these fields that it has not got yet. */
export const withDefaultFields = <R extends HttpResponse>(response: R, defaults: Readonly<Record<string, HeaderValue>>): R => {
  const before = fieldsOf(response);
  let fields: Changeable | undefined;
  for (const name of Object.keys(defaults)) {
    if (before[name] !== undefined) continue;
    fields ??= copyOf(before);
    fields[name] = defaults[name];
  }
  return fields === undefined ? response : { ...response, headers: fields };
};

/** The response with field lines beside those of the same name that it has. */
export const withAddedField = <R extends HttpResponse>(response: R, name: string, values: readonly string[]): R => {
  if (values.length === 0) return response;
  const fields = copyOf(fieldsOf(response));
  add(fields, name, values);
  return { ...response, headers: fields };
};

/** RFC 9110 §12.5.5: caches must tell replies apart by these request fields. */
export const withVary = <R extends HttpResponse>(response: R, ...names: readonly string[]): R => {
  const before = fieldOf(response, 'vary');
  const members = before?.toLowerCase().split(/[\s,]+/) ?? [];
  if (members.includes('*')) return response;
  const missing = names.filter((name) => !members.includes(name));
  if (missing.length === 0) return response;
  return withFields(response, { vary: [...(before === undefined || before === '' ? [] : [before]), ...missing].join(', ') });
};

type Changeable = Record<string, HeaderValue>;

const emptyFields = (): Changeable => Object.create(MADE) as Changeable; // Object.create is typed any

const copyOf = (fields: ResponseFields): Changeable => Object.assign(emptyFields(), fields);

const NONE: ResponseFields = emptyFields();

const add = (fields: Changeable, name: string, value: HeaderValue): void => {
  if (value === undefined || value === null) return;
  const before = fields[name];
  fields[name] = before === undefined ? value : [...listFrom(before), ...listFrom(value)];
};

const listFrom = (value: Exclude<HeaderValue, undefined>): readonly string[] =>
  typeof value === 'object' ? value : [typeof value === 'number' ? String(value) : value];
