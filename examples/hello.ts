/** The smallest server: a handler is an operator from requests to replies. */
import { map } from 'rxjs';
import { runServer } from 'rx-http-kit';

const server = await runServer(
  map(() => 'hello HTTP!\n'),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
