/**
 * Middleware: an id and a line for each request, errors that other origins may read, compressed replies.
 *
 *     curl -i --compressed 'http://localhost:8090/?word=hello&times=500'
 */
import { map, pipe } from 'rxjs';
import { type Handler, HttpError, runServer } from 'rx-http-kit';
import { accessLog, compose, compress, cors, params, rateLimit, requestId } from 'rx-http-kit/middleware';

const around = compose(
  requestId(),
  accessLog({ format: 'json' }),
  cors({ origin: 'https://a.example' }),
  rateLimit({ limit: 100, windowMs: 60_000 }),
  compress(),
);

const handler: Handler = pipe(
  params(),
  map(({ params: { word = 'hello', times = '1' } }) => {
    if (!/^\d{1,4}$/.test(String(times))) throw new HttpError(400, 'times is a number');
    return `${String(word)} `.repeat(Number(times));
  }),
);

const server = await runServer(around(handler), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
