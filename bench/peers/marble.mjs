/** Marble.js 4: one effect per resource; only the JSON route carries the body parser. */
import { createServer, httpListener, r } from '@marblejs/http';
import { bodyParser$ } from '@marblejs/middleware-body';
import { map } from 'rxjs';
import { createReadable, hello, keepAliveTimeoutMs, known, receiptOf } from './answers.mjs';

const effect = (method, path, ...steps) => r.pipe(r.matchPath(path), r.matchType(method), ...steps);

const text = { 'content-type': 'text/plain' };
const bytes = { 'content-type': 'application/octet-stream' };

const hello$ = effect(
  'GET',
  '/',
  r.useEffect((requests$) => requests$.pipe(map(() => ({ headers: text, body: hello })))),
);

const json$ = effect(
  'POST',
  '/json',
  r.use(bodyParser$()),
  r.useEffect((requests$) => requests$.pipe(map((request) => ({ body: receiptOf(request.body) })))),
);

const known$ = effect(
  'GET',
  '/known',
  r.useEffect((requests$) => requests$.pipe(map(() => ({ headers: bytes, body: known })))),
);

const readable$ = effect(
  'GET',
  '/readable',
  r.useEffect((requests$) => requests$.pipe(map(() => ({ headers: bytes, body: createReadable() })))),
);

export async function start(port) {
  const listener = httpListener({ effects: [hello$, json$, known$, readable$] });
  const listen = await createServer({ port, hostname: '127.0.0.1', listener });
  const server = await listen();
  server.keepAliveTimeout = keepAliveTimeoutMs;
}
