/**
 * Work that must not pile up: one report at a time, two wait for half a minute at most, the rest is told when to come again.
 * Whoever leaves while waiting is never worked for.
 *
 *     for i in 1 2 3 4; do curl -i http://localhost:8090/report & done; wait
 */
import { distinctUntilChanged, map, mergeMap, timer } from 'rxjs';
import { admit, type HttpRequest, runServer } from 'rx-http-kit';

const gate = admit({ concurrency: 1, queueSize: 2, maxWaitMs: 30_000, retryAfter: ({ active, waiting }) => active + waiting });
gate.pressure$
  .pipe(
    map(({ waiting }) => `${waiting} waiting`),
    distinctUntilChanged(),
  )
  .subscribe((line) => console.log(line));

const server = await runServer(gate(mergeMap(({ uri }: HttpRequest) => timer(500).pipe(map(() => `the report on ${uri}\n`)))), {
  port: Number(process.env.PORT ?? 8090),
});
console.log(`listening on http://localhost:${server.port}`);
