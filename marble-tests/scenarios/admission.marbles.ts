/** More requests than can be answered: some wait, some are refused, none piles up. */
import { distinctUntilChanged, map, mergeMap } from 'rxjs';
import { admit } from 'rx-http-kit';
import { get, marbles } from 'rx-http-kit/testing';

describe('admission', () => {
  // #region admission
  const BUSY = '503 Service Unavailable\nretry-after: 1';

  // also on the wire: spec/wire/scenarios.spec.ts
  it('runs one at a time, lets one wait, and refuses the third at once', () => {
    marbles(({ cold, network, expectHeads, expectEvents, expectSubscriptions }) => {
      const work$ = cold('----(r|)');
      const sentA = '    -a';
      const sentB = '    --b';
      const sentC = '    ---c';
      const servedA = '  -^---!';
      const servedB = '  -----^---!';
      const answerA = '  -----r';
      const answerB = '  ---------r';
      const answerC = '  ---x';
      const told = '     ---f';
      const gate = admit({ concurrency: 1, queueSize: 1 });
      const server = network.server(gate(mergeMap(() => work$)));
      const values = { a: get('/'), b: get('/'), c: get('/') };
      const [a, b, c] = [sentA, sentB, sentC].map((sends) => server.client({ sends, values }));
      expectHeads(a, 'retry-after').toBe(answerA, { r: '200 OK' });
      expectHeads(b, 'retry-after').toBe(answerB, { r: '200 OK' });
      expectHeads(c, 'retry-after').toBe(answerC, { x: BUSY });
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_FULL' });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('never runs the request of a client that has left while it waited', () => {
    marbles(({ cold, network, expectReplies, expectObservable, expectSubscriptions }) => {
      const work$ = cold('------(r|)');
      const sentA = '    -a';
      const sentB = '    --b--#';
      const sentC = '    ---c';
      const servedA = '  -^-----!';
      const servedC = '  -------^-----!';
      const waiting = '  0-12-1-0';
      const answerA = '  -------r';
      const answerC = '  -------------r';
      const gate = admit({ concurrency: 1, queueSize: 2 });
      const server = network.server(gate(mergeMap(() => work$)));
      const values = { a: get('/'), b: get('/'), c: get('/') };
      const [a, b, c] = [sentA, sentB, sentC].map((sends) => server.client({ sends, values }));
      expectReplies(a).toBe(answerA, { r: '200 r' });
      expectReplies(b).toBe('');
      expectReplies(c).toBe(answerC, { r: '200 r' });
      expectObservable(
        gate.pressure$.pipe(
          map(({ waiting }) => String(waiting)),
          distinctUntilChanged(),
        ),
      ).toBe(waiting);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedC]);
    });
  });

  it('refuses who has waited too long, on a connection that goes on', () => {
    marbles(({ cold, network, expectHeads, expectEvents, expectSubscriptions }) => {
      const work$ = cold('--------(r|)');
      const sentA = '    -a';
      const sentB = '    --b-------b';
      const servedA = '  -^-------!';
      const servedB = '  ----------^-------!';
      const answerA = '  ---------r';
      const answerB = '  ------x-----------r';
      const told = '     ------f';
      const gate = admit({ concurrency: 1, maxWaitMs: 4 });
      const server = network.server(gate(mergeMap(() => work$)));
      const [a, b] = [sentA, sentB].map((sends) => server.client({ sends, values: { a: get('/'), b: get('/') } }));
      expectHeads(a, 'retry-after').toBe(answerA, { r: '200 OK' });
      expectHeads(b, 'retry-after').toBe(answerB, { r: '200 OK', x: BUSY });
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_TIMEOUT' });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('has an outer wall: queueSize requests of a server may wait for their first item', () => {
    marbles(({ cold, network, expectHeads, expectEvents, expectSubscriptions }) => {
      const work$ = cold('-----(r|)');
      const sentA = '    -a';
      const sentB = '    ---b';
      const sentC = '    ----c---c'; // refused, and tries again
      const servedA = '  -^----!';
      const servedB = '  ---^----!';
      const servedC = '  --------^----!';
      const answerA = '  ------r';
      const answerB = '  --------r';
      const answerC = '  ----x--------r';
      const told = '     ----f';
      const server = network.server(
        mergeMap(() => work$),
        { queueSize: 2 },
      );
      const values = { a: get('/'), b: get('/'), c: get('/') };
      const [a, b, c] = [sentA, sentB, sentC].map((sends) => server.client({ sends, values }));
      expectHeads(a, 'retry-after').toBe(answerA, { r: '200 OK' });
      expectHeads(b, 'retry-after').toBe(answerB, { r: '200 OK' });
      expectHeads(c, 'retry-after').toBe(answerC, { x: BUSY, r: '200 OK' });
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_FULL' });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB, servedC]);
    });
  });

  it('gives the place of a stream to the next with its first item', () => {
    marbles(({ cold, network, expectHeads, expectReply, expectSubscriptions }) => {
      const stream$ = cold('--a-b-c-d-(e|)');
      const sentA = '      -a';
      const sentB = '      --b-b';
      const servedA = '    -^---------!';
      const servedB = '    ----^---------!';
      const receivedA = '  ---a-b-c-d-(e|)';
      const answerB = '    --x---r';
      const server = network.server(
        mergeMap(() => stream$),
        { queueSize: 1 },
      );
      const [a, b] = [sentA, sentB].map((sends) => server.client({ sends, values: { a: get('/'), b: get('/') } }));
      expectReply(a).toBe(receivedA);
      expectHeads(b, 'retry-after').toBe(answerB, { x: BUSY, r: '200 OK' });
      expectSubscriptions(stream$.subscriptions).toBe([servedA, servedB]);
    });
  });
});
