/** Replies that are pages. */
import { type ReplyInit, withDefaultHeader } from '../reply-init.js';
import type { Body, HttpResponse } from '../response.js';

/** A reply of `text/html; charset=utf-8`. Escapes nothing: what comes from outside must have been. */
export const html = (page: Body, { status, headers }: ReplyInit = {}): HttpResponse => ({
  status,
  headers: withDefaultHeader(headers, 'content-type', 'text/html; charset=utf-8'),
  body: page,
});
