/**
 * A thousand prices a second for clients of any speed: of each symbol a slow one gets the newest, and none makes memory grow.
 *
 *     new WebSocket('ws://localhost:8090')
 *     curl -N http://localhost:8090
 */
import { interval, map, mergeMap, of, share } from 'rxjs';
import { conflate, json, ndjson, runServer, stream, websocket } from 'rx-http-kit';

interface Price {
  readonly symbol: string;
  readonly price: number;
}

const SYMBOLS = ['RX', 'JS', 'TS'];

const prices$ = interval(1).pipe(
  map((tick): Price => ({ symbol: SYMBOLS[tick % SYMBOLS.length], price: 100 + Math.sin(tick / 50) })),
  share(),
);

const overflow = conflate((price: Price) => price.symbol);
const frames = websocket<unknown, Price>(() => prices$, { codec: json, overflow });
const lines = stream(() => prices$, { codec: ndjson, overflow });

const server = await runServer(
  mergeMap((request) => of(request).pipe(request.isWebSocket ? frames : lines)),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
