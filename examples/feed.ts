/**
 * One topic for every kind of client. The page changes its transport in the middle, and misses nothing.
 *
 *     open http://localhost:8090
 *     curl -N http://localhost:8090/prices?transport=sse     (or ndjson, or poll)
 */
import { interval, map, mergeMap, of } from 'rxjs';
import { conflate, feed, file, type HttpRequest, runServer, topic } from 'rx-http-kit';

interface Price {
  readonly symbol: string;
  readonly bid: number;
}

const prices = topic<Price>('prices', { history: 1_000 });
const symbols = ['ABC', 'DEF', 'GHI'];
interval(100)
  .pipe(map((n) => ({ symbol: symbols[n % 3], bid: 100 + (n % 17) })))
  .subscribe(prices);

const ticker = feed(prices, { overflow: conflate((price) => price.symbol), replay: 3 });
const html = file(new URL('../../examples/feed.html', import.meta.url));
const page = map(() => ({ headers: { 'content-type': 'text/html; charset=utf-8' }, body: html }));

const handler = mergeMap((request: HttpRequest) => of(request).pipe(request.uri === '/prices' ? ticker : page));
const server = await runServer(handler, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
