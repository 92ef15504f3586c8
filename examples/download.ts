/**
 * A file as a body: its length is known, its bytes are read as the client takes them.
 *
 *     curl -OJ http://localhost:8090
 */
import { map } from 'rxjs';
import { file, runServer } from 'rx-http-kit';

const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': 'attachment; filename="LICENSE.txt"' };
const server = await runServer(
  map(() => ({ headers, body: file('LICENSE') })),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
