/**
 * One source for every kind of client: a channel is an observer, so a feed subscribes it. It streams to curl, and sends
 * frames to a WebSocket; whoever leaves is unsubscribed.
 *
 *     curl -N http://localhost:8090
 *     new WebSocket('ws://localhost:8090')
 */
import { finalize, interval, map } from 'rxjs';
import { asChannel, runServer } from 'rx-http-kit';

const ticks$ = interval(200).pipe(
  map((count) => `${count}\n`),
  finalize(() => console.log('the client has gone')),
);

const server = await runServer(
  asChannel((channel) => ticks$.subscribe(channel)),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
