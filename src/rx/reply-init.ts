/** What the makers of replies have in common: a status and headers to go with a body. */
import type { ResponseHeaders } from '../protocol/response-head.js';
import { type HttpResponse, isResponse, type Reply } from './response.js';

/** Of a reply whose body is made elsewhere. */
export interface ReplyInit {
  readonly status?: number | undefined;
  readonly headers?: ResponseHeaders | undefined;
}

/** The headers, with one more where they do not have it, in whatever case its name is written. */
export const withDefaultHeader = (headers: ResponseHeaders | undefined, name: string, value: string): ResponseHeaders => {
  if (headers === undefined) return { [name]: value };
  const entries = entriesOf(headers);
  return entries.some(([other]) => other.toLowerCase() === name) ? headers : [[name, value], ...entries];
};

/** The headers, with this one in the place of any of its name. */
export const withHeader = (headers: ResponseHeaders | undefined, name: string, value: string): ResponseHeaders =>
  headers === undefined ? { [name]: value } : [[name, value], ...entriesOf(headers).filter(([other]) => other.toLowerCase() !== name)];

/** The headers, and this one behind them, whether there is one of its name or not. */
export const withAddedHeader = (headers: ResponseHeaders | undefined, name: string, value: string): ResponseHeaders =>
  headers === undefined ? { [name]: value } : [...entriesOf(headers), [name, value]];

/** A reply as a response map. */
export const responseOf = (reply: Reply): HttpResponse => (isResponse(reply) ? reply : { body: reply });

type Entries = readonly (readonly [name: string, value: string | number | readonly string[] | undefined])[];

const entriesOf = (headers: ResponseHeaders): Entries =>
  (Symbol.iterator in headers ? [...(headers as Iterable<Entries[number]>)] : Object.entries(headers)) as Entries; // told apart by the question
