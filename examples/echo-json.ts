/**
 * A request body as a value. `asJson` reads it, and answers 400, 413 or 415 where it cannot.
 *
 *     curl -d '{"n":21}' http://localhost:8090
 */
import { map, pipe } from 'rxjs';
import { asJson, runServer } from 'rx-http-kit';

const headers = { 'content-type': 'application/json' };
const server = await runServer(
  pipe(
    asJson(),
    map((value) => ({ headers, body: JSON.stringify({ received: value }) })),
  ),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
