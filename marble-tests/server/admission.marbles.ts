import { map, mergeMap, NEVER, type Observable } from 'rxjs';
import { admit, type Admit, type AdmitOptions, type Handler, websocket } from 'rx-http-kit';
import { get, marbles, type MarbleHelpers, upgrade, type VirtualClient, type VirtualServer } from 'rx-http-kit/testing';
import { chunk, CLOSE, fault, LAST_CHUNK, streamed, whole } from '../support/octets.js';

const REPLIES = { r: whole('r'), x: fault('503 Service Unavailable', 'the server is busy', 'retry-after: 7\r\n') };

/** A server behind a gate; `ask` connects a client that acts as its diagram says: `a` is a GET of /, `w` a handshake. */
const behindGate = (
  { network }: MarbleHelpers,
  handler: Handler,
  options: Partial<AdmitOptions> = {},
): { server: VirtualServer; ask: (sends: string) => VirtualClient; gate: Admit } => {
  const gate = admit({ concurrency: 1, retryAfter: 7, ...options });
  const server = network.server(gate(handler));
  return { server, gate, ask: (sends) => server.client({ sends, values: { a: get('/'), w: upgrade('/') } }) };
};

/** Active and waiting requests, `1+2`. */
const countsOf = ({ pressure$ }: Admit): Observable<string> => pressure$.pipe(map(({ active, waiting }) => `${active}+${waiting}`));

const COUNTS = { 0: '0+0', 1: '1+0', 2: '1+1', 3: '1+2' };

describe('admission of a server', () => {
  it('answers in order, and refuses with a 503, over all connections', () => {
    marbles((helpers) => {
      const { cold, expectBytes, expectObservable, expectEvents, expectSubscriptions } = helpers;
      const work$ = cold('----(r|)');
      const sentA = '    -a----------------|';
      const sentB = '    --a---------------|';
      const sentC = '    ---a--------------|';
      const sentD = '    ----a-------------|';
      const servedA = '  -^---!';
      const servedB = '  -----^---!';
      const servedC = '  ---------^---!';
      const answerA = '  -----r------------|';
      const answerB = '  ---------r--------|';
      const answerC = '  -------------r----|';
      const answerD = '  ----x-------------|';
      const told = '     ----f';
      const work = mergeMap(() => work$);
      const { server, ask } = behindGate(helpers, work, { queueSize: 2 });
      expectBytes(ask(sentA)).toBe(answerA, REPLIES);
      expectBytes(ask(sentB)).toBe(answerB, REPLIES);
      expectBytes(ask(sentC)).toBe(answerC, REPLIES);
      expectBytes(ask(sentD)).toBe(answerD, REPLIES);
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_FULL' });
      expectObservable(server.events$.pipe(map(({ type, uri }) => `${type} ${uri}`))).toBe(told, { f: 'overload /' });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB, servedC]);
    });
  });

  it('refuses who has waited too long, and keeps the connection for the next', () => {
    marbles((helpers) => {
      const { cold, expectBytes, expectEvents, expectSubscriptions } = helpers;
      const work$ = cold('------(r|)');
      const sentA = '    -a--------------|';
      const sentB = '    --a------a--------|';
      const servedA = '  -^-----!';
      const servedB = '  ---------^-----!';
      const answerA = '  -------r--------|';
      const answerB = '  -----x---------r--|';
      const told = '     -----f';
      const work = mergeMap(() => work$);
      const { server, ask } = behindGate(helpers, work, { maxWaitMs: 3 });
      expectBytes(ask(sentA)).toBe(answerA, REPLIES);
      expectBytes(ask(sentB)).toBe(answerB, REPLIES);
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_TIMEOUT' });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });

  for (const [how, sentB] of [
    ['is reset', '--a-#'],
    ['closes its half', '--a-|'],
  ] as const) {
    it(`never runs the request of a client that ${how} while it waits`, () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectObservable, expectSubscriptions } = helpers;
        const work$ = cold('------(r|)');
        const sentA = '    -a---------|';
        const servedA = '  -^-----!';
        const answerA = '  -------r---|';
        const counts = '   012-1--0';
        const { gate, ask } = behindGate(
          helpers,
          mergeMap(() => work$),
        );
        expectBytes(ask(sentA)).toBe(answerA, REPLIES);
        ask(sentB);
        expectObservable(countsOf(gate)).toBe(counts, COUNTS);
        expectSubscriptions(work$.subscriptions).toBe(servedA);
      });
    });
  }

  it('holds a slot while a body is streamed', () => {
    marbles((helpers) => {
      const { cold, expectBytes, expectObservable, expectSubscriptions } = helpers;
      const body$ = cold('--p--(q|)');
      const sentA = '    -a----------|';
      const sentB = '    --a---------|';
      const servedA = '  -^----!';
      const servedB = '  ------^----!';
      const answerA = '  -h-p--q-----|';
      const answerB = '  ------h-p--q|';
      const counts = '   012---1----0';
      const values = { h: streamed(), p: chunk('p'), q: `${chunk('q')}${LAST_CHUNK}` };
      const { gate, ask } = behindGate(
        helpers,
        map(() => body$),
      );
      expectBytes(ask(sentA)).toBe(answerA, values);
      expectBytes(ask(sentB)).toBe(answerB, values);
      expectObservable(countsOf(gate)).toBe(counts, COUNTS);
      expectSubscriptions(body$.subscriptions).toBe([servedA, servedB]);
    });
  });

  it('holds a slot while a WebSocket is open', () => {
    marbles((helpers) => {
      const sentA = ' -w---#';
      const sentB = ' --w-|';
      const headB = ' --x';
      const counts = '01---0';
      const socket = websocket(() => NEVER);
      const { gate, ask } = behindGate(helpers, socket, { queueSize: 0 });
      ask(sentA);
      helpers.expectHeads(ask(sentB)).toBe(headB, { x: '503 Service Unavailable' });
      helpers.expectObservable(countsOf(gate)).toBe(counts, COUNTS);
    });
  });

  it('lets those who wait when it stops be served as long as there is time, and never runs the rest', () => {
    marbles((helpers) => {
      const { at, cold, expectBytes, expectEvents, expectObservable, expectSubscriptions } = helpers;
      const work$ = cold('------(r|)');
      const sentA = '    -a';
      const sentB = '    --a';
      const sentC = '    ---a';
      const stop = '     -----s';
      const servedA = '  -^-----!';
      const servedB = '  -------^--!';
      const answerA = '  -------(r|)';
      const cut = '      ----------|';
      const counts = '   0123---2--(10)';
      const told = '     ----------|';
      const { server, gate, ask } = behindGate(
        helpers,
        mergeMap(() => work$),
      );
      at(stop, () => void server.stop({ timeout: 5 }));
      expectBytes(ask(sentA)).toBe(answerA, { r: whole('r', CLOSE) });
      expectBytes(ask(sentB)).toBe(cut);
      expectBytes(ask(sentC)).toBe(cut);
      expectEvents(server).toBe(told);
      expectObservable(countsOf(gate)).toBe(counts, COUNTS);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });
});
