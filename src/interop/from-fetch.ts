/** Applications of the Fetch standard as handlers. */
import { ReadableStream } from 'node:stream/web';
import { concatMap, defer, type Observable } from 'rxjs';
import { HttpError, messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';
import { type Demand, demandFor, hasBody } from './demand.js';

/** `app.fetch` of Hono, h3, itty-router …; what else they take, they do without. */
export type FetchApplication = (request: Request) => Response | Promise<Response>;

/**
 * Mounts an application of the Fetch standard. Bodies stream in both directions with backpressure; when the client leaves, the
 * Request's signal is aborted and the Response's body cancelled.
 *
 * Methods that a Request cannot have (CONNECT, TRACE) are answered with 501, a target that no URL can hold with 400.
 *
 * @throws {@link OptionError} for what is no function.
 * @example `runServer(fromFetch(new Hono().get('/', (c) => c.text('hello')).fetch))`
 */
export const fromFetch = (application: FetchApplication): Handler => {
  if (typeof application !== 'function') throw new OptionError('application', `is ${messageOf(application)}, must be a function`);
  return concatMap((request: HttpRequest) => defer(async (): Promise<HttpResponse> => replyFrom(await application(requestFrom(request)))));
};

const UNASKABLE = new Set(['CONNECT', 'TRACE', 'TRACK']);

const requestFrom = (request: HttpRequest): Request => {
  const { method, signal } = request;
  if (UNASKABLE.has(method)) throw new HttpError(501, 'the method is not supported');
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers.append(name, value);
  }
  const body = method !== 'GET' && method !== 'HEAD' && hasBody(request) ? streamFrom(request.body$) : null;
  return new Request(urlOf(request), { method, headers, signal, body, duplex: 'half' } as RequestInit); // `duplex` is missing in its type
};

/** RFC 9110 §7.6.1: of this connection only. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

const urlOf = ({ scheme, uri, queryString, headers, serverName, serverPort }: HttpRequest): URL => {
  const authority = headers['host'] ?? `${serverName}:${serverPort}`;
  const path = uri.startsWith('/') ? uri : '/';
  try {
    return new URL(`${scheme}://${authority}${path}${queryString === undefined ? '' : `?${queryString}`}`);
  } catch {
    throw new HttpError(400, 'the target is no URL');
  }
};

/** The socket is read while the stream wants more; nothing is read, and no 100 Continue said, before somebody reads. */
const streamFrom = (body$: Observable<Buffer>): ReadableStream<Uint8Array> => {
  let demand: Demand | undefined;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        demand ??= demandFor(body$, {
          next: (bytes) => {
            controller.enqueue(bytes);
            if ((controller.desiredSize ?? 0) <= 0) demand?.pause();
          },
          error: (error: unknown) => controller.error(error),
          complete: () => controller.close(),
        });
        demand.resume();
      },
      cancel: () => demand?.unsubscribe(),
    },
    { highWaterMark: 0 },
  );
};

const replyFrom = (response: Response): HttpResponse => {
  const { status, headers, body } = response;
  const lines: [string, string][] = [];
  headers.forEach((value, name) => {
    if (name !== 'set-cookie' && !HOP_BY_HOP.has(name)) lines.push([name, value]);
  });
  for (const cookie of headers.getSetCookie()) lines.push(['set-cookie', cookie]);
  return { status, headers: lines, body: body as ReadableStream<Uint8Array> | null }; // a Response gives bytes
};
