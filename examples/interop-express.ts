/**
 * Both directions: a handler inside Express, with its WebSockets, and Express inside our server.
 *
 *     curl http://localhost:8090/prices http://localhost:8090/old
 */
import express from 'express';
import { map, mergeMap, take, timer } from 'rxjs';
import { runServer, websocket } from 'rx-http-kit';
import { fromNodeListener, toNodeListener } from 'rx-http-kit/interop';
import { get, routes } from 'rx-http-kit/routing';

const prices = routes(
  get(
    '/prices',
    mergeMap(() =>
      timer(0, 10).pipe(
        take(3),
        map((tick) => `${100 + tick}\n`),
      ),
    ),
  ),
  get('/echo', websocket(map((message) => message))),
);

const old = express();
old.get('/old', (_request, response) => void response.send('express'));

// One application, whichever server is outside.
const ours = await runServer(routes(prices, fromNodeListener(old)), { port: Number(process.env.PORT ?? 8090) });
const listener = toNodeListener(prices);
const theirs = old.use(listener).listen(0);
theirs.on('upgrade', listener.upgrade);
console.log(`listening on http://localhost:${ours.port}`);
