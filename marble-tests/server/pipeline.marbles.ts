import { expect } from 'chai';
import {
  concat,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  tap,
  throwError,
} from 'rxjs';
import { type Handler, HttpError, type HttpRequest, type Reply } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import {
  chunk,
  ENGINES,
  fault,
  get,
  head,
  LAST_CHUNK,
  play,
  post,
  streamed,
  undated,
  VirtualListener,
  whole,
} from '../support/virtual-server.js';

/** Answers each path with the Observable of that name; the rest with a 404. */
const byPath =
  (replies: Readonly<Record<string, Observable<Reply>>>): Handler =>
  (requests$) =>
    requests$.pipe(mergeMap(({ uri }) => replies[uri] ?? EMPTY));

for (const [name, answerAll] of Object.entries(ENGINES)) {
  /** Serves one client, who acts as `sends` says, with the server unsubscribed where `until` says. */
  const served = (
    helpers: MarbleHelpers,
    handler: Handler,
    sends: string,
    values: Readonly<Record<string, string>>,
    until?: string,
  ): { received$: Observable<string>; codes: string[] } => {
    const { clock, cold } = helpers;
    const listener = new VirtualListener(clock);
    const subscription = listener.connections$.pipe(answerAll(handler)).subscribe();
    const client = listener.connect();
    play(client, cold(sends, values));
    if (until !== undefined) cold(until).subscribe({ complete: () => subscription.unsubscribe() });
    const codes: string[] = [];
    // Read when the test is over: nothing happens in the last frame any more.
    clock.after(100_000, () => codes.push(...listener.codes));
    return { received$: client.received$.pipe(map(undated)), codes };
  };

  describe(`${name}(handler)`, () => {
    it('answers one request when its reply is complete', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('   --(b|)');
        const sent = '               -a-------|';
        const subscribed = '         -^-!';
        const expected = '           ---b-----|';
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') });
        helpers.expectObservable(received$).toBe(expected, { b: whole('b') });
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('answers pipelined requests in order, one handler at a time', () => {
      marbles((helpers) => {
        const a$ = helpers.cold('  --(a|)          ');
        const b$ = helpers.cold('    ----(b|)      ');
        const c$ = helpers.cold('        -(c|)     ');
        const sent = '            -x-----------|   ';
        const servedA = '         -^-!             ';
        const servedB = '         ---^---!         ';
        const servedC = '         -------^!        ';
        const expected = '        ---a---bc----|   ';
        const values = { x: get('/a') + get('/b') + get('/c') };
        const { received$ } = served(helpers, byPath({ '/a': a$, '/b': b$, '/c': c$ }), sent, values);
        helpers.expectObservable(received$).toBe(expected, { a: whole('a'), b: whole('b'), c: whole('c') });
        helpers.expectSubscriptions(a$.subscriptions).toBe(servedA);
        helpers.expectSubscriptions(b$.subscriptions).toBe(servedB);
        helpers.expectSubscriptions(c$.subscriptions).toBe(servedC);
      });
    });

    it('lets go of one handler before it starts the next', () => {
      marbles((helpers) => {
        const log: string[] = [];
        const logged = (reply$: Observable<Reply>): Handler =>
          mergeMap(({ uri }) =>
            concat(
              defer(() => {
                log.push(`start ${uri}`);
                return EMPTY;
              }),
              reply$,
            ).pipe(finalize(() => log.push(`end ${uri}`))),
          );
        const sent = { x: get('/1') + get('/2') + head('/3') + get('/4') };
        served(helpers, logged(helpers.cold<Reply>('-(ab)--(c|)')), '-x', sent, '100ms |');
        helpers.flush();
        expect(log).to.deep.equal(['start /1', 'end /1', 'start /2', 'end /2', 'start /3', 'end /3', 'start /4', 'end /4']);
      });
    });

    it('answers pipelined requests of synchronous handlers in one write', () => {
      marbles((helpers) => {
        const sent = '     -x---|';
        const expected = ' -r---|';
        const handler: Handler = map(({ uri }) => uri);
        const { received$ } = served(helpers, handler, sent, { x: get('/a') + get('/b') + get('/c') });
        helpers.expectObservable(received$).toBe(expected, { r: whole('/a') + whole('/b') + whole('/c') });
      });
    });

    it('streams a reply whose items come one by one', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  -b--c-d|   ');
        const sent = '                -a---------|';
        const subscribed = '          -^------!   ';
        const expected = '            --b--c-de--|';
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') });
        const values = { b: streamed('b'), c: chunk('c'), d: chunk('d'), e: LAST_CHUNK };
        helpers.expectObservable(received$).toBe(expected, values);
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('unsubscribes when the client has gone, in its frame', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  -b--------c|');
        const sent = '                -a---#       ';
        const subscribed = '          -^---!       ';
        const expected = '            --b          ';
        const { received$, codes } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') });
        helpers.expectObservable(received$).toBe(expected, { b: streamed('b') });
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
        helpers.flush();
        expect(codes).to.deep.equal([]); // that a client leaves is no event
      });
    });

    it('does not run what a client sent ahead when it has gone', () => {
      marbles((helpers) => {
        const a$ = helpers.cold('  ----------(a|)');
        const b$ = helpers.cold('  (b|)          ');
        const sent = '            -x---#         ';
        served(helpers, byPath({ '/a': a$, '/b': b$ }), sent, { x: get('/a') + get('/b') });
        helpers.expectSubscriptions(a$.subscriptions).toBe('-^---!');
        helpers.expectSubscriptions(b$.subscriptions).toBe([]);
      });
    });

    it('answers a client that has half-closed', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  ------(b|)');
        const sent = '                -a-|        ';
        const subscribed = '          -^-----!    ';
        const expected = '            -------(b|) ';
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') });
        helpers.expectObservable(received$).toBe(expected, { b: whole('b', 'connection: close\r\n') });
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('breaks off what runs when the server unsubscribes', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  -b--------c|');
        const sent = '                -a           ';
        const until = '               -----|       ';
        const subscribed = '          -^---!       ';
        const expected = '            --b--|       ';
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') }, until);
        helpers.expectObservable(received$).toBe(expected, { b: streamed('b') });
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('breaks off the second of two pipelined when the server unsubscribes', () => {
      marbles((helpers) => {
        const a$ = helpers.cold('  --(a|)      ');
        const b$ = helpers.cold('    ---------(b|)');
        const sent = '            -x          ';
        const until = '           ------|     ';
        const servedB = '         ---^--!     ';
        const expected = '        ---a--|     ';
        const { received$ } = served(helpers, byPath({ '/a': a$, '/b': b$ }), sent, { x: get('/a') + get('/b') }, until);
        helpers.expectObservable(received$).toBe(expected, { a: whole('a') });
        helpers.expectSubscriptions(b$.subscriptions).toBe(servedB);
      });
    });

    it('breaks off what came behind a HEAD when the server unsubscribes', () => {
      marbles((helpers) => {
        const a$ = helpers.cold('  --a----z       ');
        const b$ = helpers.cold('    ---------(b|)');
        const sent = '            -x             ';
        const until = '           ------|        ';
        const servedA = '         -^-!           ';
        const servedB = '         ---^--!        ';
        served(helpers, byPath({ '/a': a$, '/b': b$ }), sent, { x: head('/a') + get('/b') }, until);
        helpers.expectSubscriptions(a$.subscriptions).toBe(servedA);
        helpers.expectSubscriptions(b$.subscriptions).toBe(servedB);
      });
    });

    it('answers an error of a handler with a 500 and goes on', () => {
      marbles((helpers) => {
        const a$ = helpers.cold('  --#          ');
        const b$ = helpers.cold('    -(b|)      ');
        const sent = '            -x-------|   ';
        const expected = '        ---ab----|   ';
        const handler = byPath({ '/a': a$, '/b': b$ });
        const { received$, codes } = served(helpers, handler, sent, { x: get('/a') + get('/b') });
        const values = { a: fault('500 Internal Server Error', 'internal server error'), b: whole('b') };
        helpers.expectObservable(received$).toBe(expected, values);
        helpers.flush();
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
      });
    });

    it('cuts a reply whose handler fails behind its head', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  -b--#');
        const sent = '                -ab    ';
        const expected = '            --b--| ';
        const { received$, codes } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a'), b: get('/b') });
        helpers.expectObservable(received$).toBe(expected, { b: streamed('b') }); // no last chunk
        helpers.flush();
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
      });
    });

    it('answers 404 for a handler that is empty', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  --|    ');
        const sent = '                -a----|  ';
        const expected = '            ---n--|  ';
        const { received$, codes } = served(helpers, byPath({ '/a': reply$ }), sent, { a: get('/a') });
        helpers.expectObservable(received$).toBe(expected, { n: fault('404 Not Found', 'not found') });
        helpers.flush();
        expect(codes).to.deep.equal([]);
      });
    });

    it('waits for a handler that never emits until the client leaves', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  -');
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), '-a 10m #', { a: get('/a') });
        helpers.expectObservable(received$).toBe('');
        helpers.expectSubscriptions(reply$.subscriptions).toBe('-^ 10m !');
      });
    });

    it('lets go of a handler that never completes when HEAD has its head', () => {
      marbles((helpers) => {
        const reply$ = helpers.cold('  --b---c---d');
        const sent = '                -a---------|';
        const subscribed = '          -^-!        ';
        const expected = '            ---h-------|';
        const { received$ } = served(helpers, byPath({ '/a': reply$ }), sent, { a: head('/a') });
        helpers.expectObservable(received$).toBe(expected, { h: streamed('').replace(chunk(''), '') });
        helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('reads a body while the handler is subscribed to it, and no longer', () => {
      marbles((helpers) => {
        const sent = '      -abc---d-|';
        const expected = '  ---r---s-|';
        const handler: Handler = mergeMap(({ uri, body$ }) => (uri === '/next' ? of('next') : body$.pipe(map(String), take2)));
        const values = { a: post(6), b: 'xx', c: 'yy', d: `zz${get('/next')}` };
        const { received$ } = served(helpers, handler, sent, values);
        helpers.expectObservable(received$).toBe(expected, { r: whole('xx,yy'), s: whole('next') });
      });
    });

    it('survives a handler that throws, returns nothing, or emits garbage', () => {
      marbles((helpers) => {
        const broken: readonly Handler[] = [
          () => {
            throw new Error('thrown');
          },
          (() => undefined) as unknown as Handler, // what no typed handler can be
          () => throwError(() => Object.create(null) as unknown),
          () =>
            throwError(() => ({
              toString: () => {
                throw new Error('not even a text');
              },
            })),
          () => of(5 as unknown as Reply),
          () => of({ status: 99 }),
          () => of({ headers: { a: '\n' } }),
          () => of(Object.create(null) as Reply).pipe(tap(() => { throw null; })), // prettier-ignore
        ];
        const expectations = broken.map((handler) => served(helpers, handler, '-a-|', { a: get('/') }));
        const answer = fault('500 Internal Server Error', 'internal server error');
        for (const { received$ } of expectations) helpers.expectObservable(received$).toBe('-b-|', { b: answer });
      });
    });

    it('serves each connection for itself', () => {
      marbles(({ clock, cold, expectObservable }) => {
        const listener = new VirtualListener(clock, { halfCloseTimeoutMs: 30_000 });
        const handler = byPath({ '/never': NEVER, '/b': cold('-(b|)'), '/error': cold('-#') });
        listener.connections$.pipe(answerAll(handler)).subscribe();
        const clients = ['/never', '/error', '/b'].map((uri) => {
          const client = listener.connect();
          play(client, cold('-a---|', { a: get(uri) }));
          return client;
        });
        expectObservable(clients[0].received$).toBe('31s |'); // as long as a half-closed client may wait
        expectObservable(clients[1].received$.pipe(ignoreElements())).toBe('-----|');
        expectObservable(clients[2].received$.pipe(map(undated))).toBe('--b--|', { b: whole('b') });
      });
    });

    it('completes when its source has and the last connection has closed', () => {
      marbles(({ clock, cold, expectObservable }) => {
        const listener = new VirtualListener(clock);
        const connections$ = merge(listener.connections$).pipe(untilFrame(cold('--|')));
        const served$ = connections$.pipe(answerAll(byPath({ '/a': cold('----(a|)') })));
        clock.after(1, () => play(listener.connect(), cold('a-------|', { a: get('/a') })));
        expectObservable(served$).toBe('---------|');
      });
    });
  });
}

/** The first two items in one. */
const take2 = (pieces$: Observable<string>): Observable<string> =>
  new Observable((subscriber) => {
    const pieces: string[] = [];
    return pieces$.subscribe((piece) => {
      pieces.push(piece);
      if (pieces.length < 2) return;
      subscriber.next(pieces.join(','));
      subscriber.complete();
    });
  });

/** Completes, and unsubscribes, when `notifier$` does. */
const untilFrame =
  <T>(notifier$: Observable<unknown>): OperatorFunction<T, T> =>
  (source$) =>
    new Observable((subscriber) => {
      subscriber.add(source$.subscribe(subscriber));
      subscriber.add(notifier$.subscribe({ complete: () => subscriber.complete() }));
    });

describe('an exchange', () => {
  it('carries HttpError to the client and to nobody else', () => {
    marbles(({ clock, cold, expectObservable, flush }) => {
      const listener = new VirtualListener(clock);
      const handler: Handler = map((_request: HttpRequest): Reply => {
        throw new HttpError(418, 'short and stout', { headers: { 'x-a': 'b' } });
      });
      listener.connections$.pipe(ENGINES.serve(handler)).subscribe();
      const client = listener.connect();
      play(client, cold('-a-|', { a: get('/') }));
      expectObservable(client.received$.pipe(map(undated))).toBe('-b-|', { b: fault("418 I'm a Teapot", 'short and stout', 'x-a: b\r\n') });
      flush();
      expect(listener.codes).to.deep.equal([]);
    });
  });
});
