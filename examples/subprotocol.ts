/**
 * A subprotocol chosen among those that the client offers, in its order of preference.
 *
 *     new WebSocket('ws://localhost:8090', ['sum.v2', 'sum.v1'])
 */
import { map, scan } from 'rxjs';
import { asChannel, runServer } from 'rx-http-kit';

const sums = asChannel(
  (channel) => {
    const answer = channel.protocol === 'sum.v2' ? (sum: number) => JSON.stringify({ sum }) : String;
    return channel
      .pipe(
        scan((sum, message) => sum + Number(message), 0),
        map(answer),
      )
      .subscribe(channel);
  },
  { protocols: ['sum.v1', 'sum.v2'] },
);

const server = await runServer(sums, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
