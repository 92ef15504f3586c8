/** The handler that the wire suites talk to: it tells what it was told, and has a path for each way to answer. */
import { concat, EMPTY, from, map, mergeMap, of, throwError, toArray, type Observable } from 'rxjs';
import type { Handler, HttpRequest, Reply } from 'rx-http-kit';
import { turns } from './raw-client.js';

/** The path that only a smuggled request asks for. */
export const SMUGGLED_PATH = '/smuggled';

/** Counts what reached the handler. */
export interface Reached {
  requests: number;
  smuggled: number;
}

const tell = (request: HttpRequest): Observable<Reply> =>
  request.body$.pipe(
    toArray(),
    map((pieces) => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        method: request.method,
        uri: request.uri,
        queryString: request.queryString ?? null,
        protocol: request.protocol,
        serverName: request.serverName,
        headers: request.headers,
        body: Buffer.concat(pieces).toString('latin1'),
        trailers: request.trailers,
        contentLength: request.contentLength ?? null,
        contentType: request.contentType ?? null,
        characterEncoding: request.characterEncoding ?? null,
      }),
    })),
  );

const answer = (request: HttpRequest): Observable<Reply> => {
  switch (request.uri) {
    case '/ignore':
      return of('ignored');
    case '/slow':
      return from(turns(5)).pipe(map(() => 'slow'));
    case '/stream':
      return concat(of('first '), from(turns(2)).pipe(map(() => 'second ')), from(turns(2)).pipe(map(() => 'third')));
    case '/204':
      return of({ status: 204 });
    case '/205':
      return of({ status: 205 });
    case '/304':
      return of({ status: 304, headers: { etag: '"a"' } });
    case '/throws':
      return throwError(() => new Error('secret of the inside'));
    case '/empty':
      return EMPTY;
    default:
      return tell(request);
  }
};

export const createWireApp = (): { readonly handler: Handler; readonly reached: Reached } => {
  const reached: Reached = { requests: 0, smuggled: 0 };
  const handler: Handler = mergeMap((request) => {
    reached.requests++;
    if (request.uri.includes(SMUGGLED_PATH) && !request.uri.includes('%')) reached.smuggled++;
    return answer(request);
  });
  return { handler, reached };
};
