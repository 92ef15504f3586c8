/** What the compiler must accept and refuse of servers; compiling this file is the test. */
import { concatMap, map, mergeMap, type Observable } from 'rxjs';
import {
  listen,
  runServer,
  type Connection,
  type Exchange,
  type Handler,
  type HttpRequest,
  type Server,
  type ServerOptions,
} from 'rx-http-kit';
import type { Equal, Expect } from '../support/type-equality.js';

export type RunServerPromisesAServer = Expect<Equal<ReturnType<typeof runServer>, Promise<Server>>>;
export type AServerIsAStreamOfConnections = Expect<Equal<ReturnType<typeof listen>, Observable<Connection>>>;
export type AConnectionIsAStreamOfExchanges = Expect<Equal<Connection['requests$'], Observable<Exchange>>>;
export type AnExchangeHasARequest = Expect<Equal<Exchange['request'], HttpRequest>>;
export type AnAnswerEmitsNothing = Expect<Equal<ReturnType<Exchange['answer']>, Observable<never>>>;
export type ServersAreDisposable = Expect<Server extends AsyncDisposable ? true : false>;

const handler: Handler = map(() => 'hello');
export const engine = (options: Partial<ServerOptions>): Observable<never> =>
  listen(options).pipe(mergeMap(({ requests$ }) => requests$.pipe(concatMap((exchange) => exchange.answer(handler)))));

// @ts-expect-error there is no option of that name
export const misspelt = (): Promise<Server> => runServer(handler, { prot: 80 });
// @ts-expect-error a port is a number
export const portAsText = (): Promise<Server> => runServer(handler, { port: '80' });
