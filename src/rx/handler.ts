/** The two shapes that an application is made of. */
import type { OperatorFunction } from 'rxjs';
import type { HttpRequest } from './request.js';
import type { Reply } from './response.js';

/**
 * An operator from requests to replies. The server runs `of(request).pipe(handler)` once for each request, so any RxJS
 * operator or `pipe` of them will do.
 *
 * The first item fixes status and headers, of later items only the body counts, completion ends the response, and
 * unsubscription means that the client has gone. An empty result means "not mine" and becomes a 404 in the end.
 */
export type Handler = OperatorFunction<HttpRequest, Reply>;

/** A handler out of a handler. */
export type Middleware = (handler: Handler) => Handler;
