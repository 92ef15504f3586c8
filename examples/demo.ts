/** The demo of `npm start`: each route is a handler, that is an operator from requests to replies. */
import { concatMap, EMPTY, interval, map, of, pipe, switchMap } from 'rxjs';
import { asJson, file, type Handler, HttpError, type HttpRequest, runServer } from 'rx-http-kit';

function* rows(): Generator<string> {
  for (let id = 1; id <= 100_000; id++) yield `{"id":${id}}\n`;
}

const html = { 'content-type': 'text/html; charset=utf-8' };
const json = { 'content-type': 'application/json' };
const page = new URL('../../examples/demo.html', import.meta.url);
const toJson = map((value: unknown) => ({ headers: json, body: `${JSON.stringify(value)}\n` }));
const refuse = (): never => {
  throw new HttpError(418, 'short and stout\n');
};

const routes = new Map<string, Handler>([
  ['GET /', map(() => ({ headers: html, body: file(page) }))],
  ['GET /hello', map(() => 'hello HTTP!\n')],
  ['POST /echo', pipe(asJson(), toJson)],
  ['GET /count', switchMap(() => interval(250).pipe(map((count) => `${count}\n`)))],
  ['GET /export', map(() => ({ headers: { 'content-type': 'application/x-ndjson' }, body: rows() }))],
  ['GET /teapot', map(refuse)],
]);
const demo: Handler = concatMap((request: HttpRequest) => {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes.get(`${method} ${request.uri}`);
  return route === undefined ? EMPTY : of(request).pipe(route);
});

const server = await runServer(demo, { port: Number(process.env.PORT ?? 8090) });
const url = `http://localhost:${server.port}`;
console.log(`listening on ${url} — open it, or try
  curl ${url}/hello
  curl -d '{"n":21}' ${url}/echo
  curl -N ${url}/count
  curl -s ${url}/export | tail -n 1
  curl -i ${url}/teapot`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop());
