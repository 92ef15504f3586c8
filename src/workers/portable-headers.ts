/** Response headers on their way to another thread. */
import { type HeaderValue, ResponseFields, type ResponseHeaders } from '../protocol/response-head.js';

/** Names and values, in their order. */
export type PortableHeaders = readonly (readonly [name: string, value: string | number | readonly string[]])[];

/**
 * Checks them where they were made, so that the stack of the error tells where.
 *
 * @throws HandlerError `RHK_BAD_HEADER`.
 */
export const portableHeaders = (headers: ResponseHeaders | undefined): PortableHeaders | undefined => {
  if (headers === undefined || headers === null) return undefined;
  const isList = Symbol.iterator in headers;
  // told apart above; a list is read once, as a generator could be
  const entries = isList ? [...(headers as Iterable<readonly [string, HeaderValue]>)] : Object.entries(headers);
  new ResponseFields(entries);
  const portable: (readonly [string, string | number | readonly string[]])[] = [];
  for (const [name, value] of entries) {
    if (value !== undefined && value !== null) portable.push([name, Array.isArray(value) ? value.map(String) : value]);
  }
  return portable;
};

/** As a handler gives them: one object, unless a name comes twice. */
export const headersFrom = (portable: PortableHeaders | undefined): ResponseHeaders | undefined => {
  if (portable === undefined) return undefined;
  const headers: Record<string, HeaderValue> = {};
  for (const [name, value] of portable) {
    if (name in headers) return portable;
    headers[name] = value;
  }
  return headers;
};
