/**
 * Server-sent events: a clock that an EventSource goes on hearing, however often it is cut off. The id of each event is where it
 * goes on.
 *
 *     curl -N http://localhost:8090
 *     new EventSource('http://localhost:8090').addEventListener('tick', (event) => console.log(event.data))
 */
import { map, timer } from 'rxjs';
import { eventStream, lastEventIdOf, runServer } from 'rx-http-kit';

const clock = eventStream(
  (request) => {
    const first = Number(lastEventIdOf(request) ?? -1) + 1;
    return timer(0, 200).pipe(
      map((n) => ({ event: 'tick', id: String(first + n), data: `tick ${first + n}\n${new Date().toISOString()}` })),
    );
  },
  { retryMs: 1_000, heartbeatMs: 15_000, headers: { 'access-control-allow-origin': '*' } },
);

const server = await runServer(clock, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
