/**
 * One message after the other: while one is being worked on its client is not read, so that a client that never stops costs
 * nothing. With suspend() it is not read either while it does not take its answers.
 *
 *     const socket = new WebSocket('ws://localhost:8090'); socket.send('a'); socket.send('b');
 */
import { map, type Observable, timer } from 'rxjs';
import { inOrder, type Message, runServer, suspend, websocket } from 'rx-http-kit';

const work = (message: Message): Observable<string> => timer(100).pipe(map(() => `done: ${String(message)}`));

const server = await runServer(
  websocket((messages$: Observable<Message>) => messages$.pipe(inOrder(work)), { overflow: suspend() }),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
