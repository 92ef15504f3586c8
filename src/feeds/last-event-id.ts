/** What a client has heard last, as it says itself when it comes back. */
import type { HttpRequest } from '../rx/request.js';

/** What is longer is no id that anybody here has given; it would be kept, compared and logged for nothing. */
const MAX_ID_LENGTH = 1_024;

/**
 * `last-event-id` of the header, or else of the query: `?lastEventId=`. `undefined` where there is none, where it is empty, and
 * where it is longer than 1 024 characters.
 *
 * The header goes first: an EventSource comes back to the URL that it began with, and says in the header how far it got.
 */
export const lastEventIdOf = (request: HttpRequest): string | undefined => {
  const id = headerIdOf(request) ?? parametersOf(request).get('lastEventId') ?? '';
  return id === '' || id.length > MAX_ID_LENGTH ? undefined : id;
};

/** As {@link lastEventIdOf}, also of `?cursor=`; one that is too long is a cursor that is lost, not none. */
export const cursorOf = (request: HttpRequest): string | undefined => {
  const header = headerIdOf(request);
  if (header !== undefined) return header;
  const parameters = parametersOf(request);
  return parameters.get('lastEventId') || parameters.get('cursor') || undefined;
};

export const parametersOf = (request: HttpRequest): URLSearchParams => new URLSearchParams(request.queryString);

/** Clients send it in UTF-8, WHATWG HTML §9.2.3; fields come as latin1. */
const headerIdOf = (request: HttpRequest): string | undefined => {
  const value: string | undefined = request.headers['last-event-id'];
  if (value === undefined || value === '') return undefined;
  const text = Buffer.from(value, 'latin1').toString();
  return text.includes('\uFFFD') ? value : text;
};
