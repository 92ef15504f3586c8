/**
 * Errors: an `HttpError` is an answer, anything else thrown is a 500 that tells the client nothing and `events$` everything.
 *
 *     curl -i http://localhost:8090/order/7
 *     curl -i http://localhost:8090/bug
 */
import { map } from 'rxjs';
import { HttpError, runServer, type HttpRequest } from 'rx-http-kit';

const server = await runServer(
  map(({ uri }: HttpRequest) => {
    if (uri === '/bug') throw new Error('the password is swordfish');
    if (uri !== '/') throw new HttpError(404, `there is no ${uri}`);
    return 'try /order/7 and /bug\n';
  }),
  { port: Number(process.env.PORT ?? 8090) },
);
server.events$.subscribe((event) => console.error(event));
console.log(`listening on http://localhost:${server.port}`);
