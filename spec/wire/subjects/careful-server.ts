/** Work in order, a millisecond for each piece, behind a gate that the spec opens: `careful-server.js <websocket | body>`. */
import { delay, ignoreElements, map, type Observable, ReplaySubject, take, tap } from 'rxjs';
import { inOrder, type Message, stream, websocket } from 'rx-http-kit';
import { serveApart } from '../../support/serve-apart.js';

const gate$ = new ReplaySubject<void>(1);
let working = 0;
let mostAtOnce = 0;
let done = 0;

/** Counts its octets. */
const work = (piece: Message): Observable<number> => {
  mostAtOnce = Math.max(mostAtOnce, ++working);
  return gate$.pipe(
    take(1),
    delay(0),
    map(() => (done += piece.length)),
    tap({ finalize: () => working-- }),
  );
};

const handlers = {
  websocket: websocket<Message, Message>((messages$: Observable<Message>) => messages$.pipe(inOrder(work), ignoreElements()), {}),
  body: stream((request) => request.body$.pipe(inOrder(work), ignoreElements())),
};

await serveApart(
  handlers[process.argv[2] as keyof typeof handlers], // one of the two
  { maxBody: 2 ** 31 },
  {
    done: () => done,
    mostAtOnce: () => mostAtOnce,
    open: () => {
      gate$.next();
      return 0;
    },
  },
);
