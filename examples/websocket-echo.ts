/**
 * A WebSocket endpoint is an operator from messages to messages. This one says what it hears.
 *
 *     new WebSocket('ws://localhost:8090')
 */
import { map } from 'rxjs';
import { runServer, websocket } from 'rx-http-kit';

const server = await runServer(websocket(map((message) => message)), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
