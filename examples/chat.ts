/**
 * A chat room. One channel handler serves WebSockets and long polls: `send` is a frame there, and the whole answer here.
 *
 *     open http://localhost:8090 in two tabs
 *     curl -d hello http://localhost:8090/room; curl http://localhost:8090/room?after=0
 */
import { concatMap, filter, map, of, pipe, ReplaySubject } from 'rxjs';
import { asChannel, asText, file, json, runServer, type HttpRequest } from 'rx-http-kit';

interface Line {
  readonly id: number;
  readonly text: string;
}

let id = 0;
const lines$ = new ReplaySubject<Line>(100);
const say = (text: string): void => lines$.next({ id: ++id, text });

const listen = asChannel<string, Line>(
  (channel, { queryString }) => {
    channel.onReceive(say);
    const after = Number(new URLSearchParams(queryString).get('after'));
    return lines$.pipe(filter((line) => line.id > after)).subscribe((line) => channel.send(line));
  },
  { codec: json },
);
const speak = pipe(asText(), map(say), map(() => ({ status: 204 }))); // prettier-ignore
const page = new URL('../../examples/chat.html', import.meta.url);
const html = map(() => ({ headers: { 'content-type': 'text/html; charset=utf-8' }, body: file(page) }));

const chat = concatMap((request: HttpRequest) =>
  of(request).pipe(request.uri !== '/room' ? html : request.method === 'POST' ? speak : listen),
);
const server = await runServer(chat, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
