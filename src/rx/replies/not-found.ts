/** Replies that say that there is nothing. */
import { responseOf } from '../reply-init.js';
import type { HttpResponse, Reply } from '../response.js';

/**
 * 404, whatever the status of `reply` is. The last of `routes`, it answers what no route wanted.
 *
 * @param reply - Default the text `not found`. Among routes it is used again and again: a stream would be empty the second time.
 * @example `routes(get('/', home), notFound(html('<h1>Nothing here</h1>')))`
 */
export const notFound = (reply: Reply = 'not found'): HttpResponse => ({ ...responseOf(reply), status: 404 });
