/** Applications of the Fetch standard as handlers. */
import { ReadableStream } from 'node:stream/web';
import type { Observable } from 'rxjs';
import { HandlerError, HttpError, messageOf, OptionError } from '../errors.js';
import { eachRequest } from '../rx/each-request.js';
import type { Handler } from '../rx/handler.js';
import { type HttpRequest, originOf } from '../rx/request.js';
import { type HttpResponse, kindOf } from '../rx/response.js';
import { type Demand, demandFor, hasBody } from './demand.js';

/** What a Request does not tell of its client. */
export interface FetchClient {
  readonly remoteAddr: string;
  readonly remotePort: number | undefined;
}

/** `app.fetch` of Hono, h3, itty-router …; Hono has the client as `c.env`. */
export type FetchApplication = (request: Request, client: FetchClient) => Response | Promise<Response>;

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
  return eachRequest((request, replies) => {
    void askFor(application, request).then(
      (response) => {
        if (replies.closed) return void response?.body?.cancel().catch(ignore); // it has come too late; whoever made it knows why it failed
        try {
          replies.next(replyFrom(response));
          replies.complete();
        } catch (error) {
          replies.error(error);
        }
      },
      (error: unknown) => replies.error(error),
    );
  });
};

const askFor = async (application: FetchApplication, request: HttpRequest): Promise<Response | undefined> =>
  application(requestFrom(request), { remoteAddr: request.remoteAddr, remotePort: originOf(request)?.port.peer.remotePort }); // untyped ones give nothing

const ignore = (): void => {};

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

/** What would make something else of a URL than a host and a port. */
const NO_AUTHORITY = /[\s/?#@\\]/;

const urlOf = ({ scheme, uri, queryString, headers, serverName, serverPort }: HttpRequest): URL => {
  const authority = headers['host'] ?? `${serverName}:${serverPort}`;
  if (NO_AUTHORITY.test(authority)) throw new HttpError(400, 'the host is none'); // a server of another make may not have looked
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

const replyFrom = (response: Response | undefined): HttpResponse => {
  if (typeof response !== 'object' || response === null || !('headers' in response)) {
    throw new HandlerError('RHK_BAD_REPLY', `the application gave ${kindOf(response)}, not a Response`);
  }
  if (response.bodyUsed) throw new HandlerError('RHK_BAD_REPLY', 'the body of the Response has been used');
  const { status, headers, body } = response;
  const lines: [string, string][] = [];
  headers.forEach((value, name) => {
    if (name !== 'set-cookie' && !HOP_BY_HOP.has(name)) lines.push([name, value]);
  });
  for (const cookie of headers.getSetCookie()) lines.push(['set-cookie', cookie]);
  return { status, headers: lines, body: body as ReadableStream<Uint8Array> | null }; // a Response gives bytes
};
