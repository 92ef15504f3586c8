/**
 * A stream of replies is a streamed reply: each item leaves at once, and `take` or a client that leaves ends it.
 *
 *     curl -N http://localhost:8090
 */
import { finalize, interval, map, switchMap } from 'rxjs';
import { runServer } from 'rx-http-kit';

const server = await runServer(
  switchMap(() =>
    interval(200).pipe(
      map((count) => `${count}\n`),
      finalize(() => console.log('the client has gone')),
    ),
  ),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
