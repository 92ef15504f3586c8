/**
 * Work that computes, on threads; everything else goes on meanwhile.
 *
 *     curl http://localhost:8090/primes?below=5000000 & curl http://localhost:8090/
 */
import { map, mergeMap, of } from 'rxjs';
import { type Handler, inWorkers, runServer } from 'rx-http-kit';

const primes = inWorkers(new URL('./modules/primes.js', import.meta.url), { thread: 2, computeTimeoutMs: 10_000 });
await primes.started;

const home: Handler = map(() => `${primes.load.busy} threads are busy\n`);

const server = await runServer(
  mergeMap((request) => of(request).pipe(request.uri === '/primes' ? primes : home)),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
