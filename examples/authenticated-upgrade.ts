/**
 * Who may not speak is refused before the upgrade: middleware is a function from handler to handler, here as everywhere.
 *
 *     curl -i http://localhost:8090
 *     curl -i -H 'authorization: Bearer open sesame' http://localhost:8090
 */
import { concatMap, map, of } from 'rxjs';
import { runServer, websocket, type HttpRequest, type Middleware } from 'rx-http-kit';

const token = process.env.TOKEN ?? 'open sesame';
const unauthorized = { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: 'who are you?\n' };
const isKnown = ({ headers }: HttpRequest): boolean => headers['authorization'] === `Bearer ${token}`;

const authenticated: Middleware = (handler) => concatMap((request) => (isKnown(request) ? of(request).pipe(handler) : of(unauthorized)));

const whisper = websocket(map((message) => String(message).toLowerCase()));
const server = await runServer(authenticated(whisper), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
