/**
 * A Hono application in our server, and a handler called as a function, without any server.
 *
 *     curl http://localhost:8090/hello/world http://localhost:8090/self
 */
import { Hono } from 'hono';
import { map, mergeMap } from 'rxjs';
import { runServer } from 'rx-http-kit';
import { fromFetch, toFetch } from 'rx-http-kit/interop';
import { get, routes } from 'rx-http-kit/routing';

const hono = new Hono();
hono.get('/hello/:name', (context) => context.text(`hello ${context.req.param('name')}`));

const secret = toFetch(
  get(
    '/secret',
    map(() => '42'),
  ),
);
const self = mergeMap(async () => (await secret(new Request('http://inside/secret'))).text());

const app = routes(get('/self', self), fromFetch(hono.fetch));
const server = await runServer(app, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
