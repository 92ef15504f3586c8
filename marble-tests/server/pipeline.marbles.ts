import { expect } from 'chai';
import { concat, defer, EMPTY, finalize, map, mergeMap, NEVER, Observable, of, type OperatorFunction, tap, throwError } from 'rxjs';
import { type Handler, HttpError, type HttpRequest, type Reply } from 'rx-http-kit';
import { get, head, marbles, type MarbleHelpers, post, type Sendable, type VirtualListener } from 'rx-http-kit/testing';
import { byPath } from '../support/by-path.js';
import { ENGINES } from '../support/engines.js';
import { chunk, CLOSE, fault, LAST_CHUNK, streamed, whole } from '../support/octets.js';

/** Requests that leave in one write. */
const together = (...requests: readonly Sendable[]): Buffer => Buffer.concat(requests.map((request) => Buffer.from(request as string))); // one overload for each

const FAILED = fault('500 Internal Server Error', 'internal server error');

for (const [name, answerAll] of Object.entries(ENGINES)) {
  /** A listener that this engine answers, up to the `!` of `until`. What it emits is nothing, and it never fails. */
  const serving = ({ network, expectObservable }: MarbleHelpers, handler: Handler, until?: string): VirtualListener => {
    const connections$ = network.listen();
    expectObservable(connections$.pipe(answerAll(handler)), until).toBe('');
    return connections$;
  };

  describe(`${name}(handler)`, () => {
    it('answers one request when its reply is complete', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('--(b|)');
        const sent = '      -a-------|';
        const subscribed = '-^-!';
        const expected = '  ---b-----|';
        const client = serving(helpers, byPath({ '/a': reply$ })).client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { b: whole('b') });
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('answers pipelined requests in order, one handler at a time', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const a$ = cold('  --(a|)');
        const b$ = cold('    ----(b|)');
        const c$ = cold('        -(c|)');
        const sent = '    -x-----------|';
        const servedA = ' -^-!';
        const servedB = ' ---^---!';
        const servedC = ' -------^!';
        const expected = '---a---bc----|';
        const server = serving(helpers, byPath({ '/a': a$, '/b': b$, '/c': c$ }));
        const client = server.client({ sends: sent, values: { x: together(get('/a'), get('/b'), get('/c')) } });
        expectBytes(client).toBe(expected, { a: whole('a'), b: whole('b'), c: whole('c') });
        expectSubscriptions(a$.subscriptions).toBe(servedA);
        expectSubscriptions(b$.subscriptions).toBe(servedB);
        expectSubscriptions(c$.subscriptions).toBe(servedC);
      });
    });

    it('lets go of one handler before it starts the next', () => {
      const log: string[] = [];
      marbles((helpers) => {
        const reply$ = helpers.cold<Reply>('-(ab)--(c|)');
        const handler: Handler = mergeMap(({ uri }) =>
          concat(
            defer(() => {
              log.push(`start ${uri}`);
              return EMPTY;
            }),
            reply$,
          ).pipe(finalize(() => log.push(`end ${uri}`))),
        );
        const values = { x: together(get('/1'), get('/2'), head('/3'), get('/4')) };
        serving(helpers, handler, '100ms !').client({ sends: '-x', values });
      });
      expect(log).to.deep.equal(['start /1', 'end /1', 'start /2', 'end /2', 'start /3', 'end /3', 'start /4', 'end /4']);
    });

    it('answers pipelined requests of synchronous handlers in one write', () => {
      marbles((helpers) => {
        const sent = '    -x---|';
        const expected = '-r---|';
        const server = serving(
          helpers,
          map(({ uri }) => uri),
        );
        const client = server.client({ sends: sent, values: { x: together(get('/a'), get('/b'), get('/c')) } });
        helpers.expectBytes(client).toBe(expected, { r: whole('/a') + whole('/b') + whole('/c') });
      });
    });

    it('streams a reply whose items come one by one', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('-b--c-d|');
        const sent = '      -a---------|';
        const subscribed = '-^------!';
        const expected = '  --b--c-de--|';
        const client = serving(helpers, byPath({ '/a': reply$ })).client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { b: streamed('b'), c: chunk('c'), d: chunk('d'), e: LAST_CHUNK });
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('unsubscribes when the client has gone, in its frame', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectEvents, expectSubscriptions } = helpers;
        const reply$ = cold('-b--------c|');
        const sent = '      -a---#';
        const subscribed = '-^---!';
        const expected = '  --b';
        const told = '      ------'; // that a client leaves is no event
        const server = serving(helpers, byPath({ '/a': reply$ }));
        const client = server.client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { b: streamed('b') });
        expectEvents(server).toBe(told);
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('does not run what a client sent ahead when it has gone', () => {
      marbles((helpers) => {
        const { cold, expectSubscriptions } = helpers;
        const a$ = cold(' ----------(a|)');
        const b$ = cold('(b|)');
        const sent = '   -x---#';
        const servedA = '-^---!';
        serving(helpers, byPath({ '/a': a$, '/b': b$ })).client({ sends: sent, values: { x: together(get('/a'), get('/b')) } });
        expectSubscriptions(a$.subscriptions).toBe(servedA);
        expectSubscriptions(b$.subscriptions).toBe([]);
      });
    });

    it('answers a client that has half-closed', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('------(b|)');
        const sent = '      -a-|';
        const subscribed = '-^-----!';
        const expected = '  -------(b|)';
        const client = serving(helpers, byPath({ '/a': reply$ })).client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { b: whole('b', CLOSE) });
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('breaks off what runs when the server unsubscribes', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('-b--------c|');
        const sent = '      -a';
        const until = '     -----!';
        const subscribed = '-^---!';
        const expected = '  --b--|';
        const client = serving(helpers, byPath({ '/a': reply$ }), until).client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { b: streamed('b') });
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('breaks off the second of two pipelined when the server unsubscribes', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const a$ = cold('  --(a|)');
        const b$ = cold('    ---------(b|)');
        const sent = '    -x';
        const until = '   ------!';
        const servedA = ' -^-!';
        const servedB = ' ---^--!';
        const expected = '---a--|';
        const server = serving(helpers, byPath({ '/a': a$, '/b': b$ }), until);
        const client = server.client({ sends: sent, values: { x: together(get('/a'), get('/b')) } });
        expectBytes(client).toBe(expected, { a: whole('a') });
        expectSubscriptions(a$.subscriptions).toBe(servedA);
        expectSubscriptions(b$.subscriptions).toBe(servedB);
      });
    });

    it('breaks off what came behind a HEAD when the server unsubscribes', () => {
      marbles((helpers) => {
        const { cold, expectSubscriptions } = helpers;
        const a$ = cold(' --a----z');
        const b$ = cold('   ---------(b|)');
        const sent = '   -x';
        const until = '  ------!';
        const servedA = '-^-!';
        const servedB = '---^--!';
        const server = serving(helpers, byPath({ '/a': a$, '/b': b$ }), until);
        server.client({ sends: sent, values: { x: together(head('/a'), get('/b')) } });
        expectSubscriptions(a$.subscriptions).toBe(servedA);
        expectSubscriptions(b$.subscriptions).toBe(servedB);
      });
    });

    it('answers an error of a handler with a 500 and goes on', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectEvents } = helpers;
        const a$ = cold('  --#');
        const b$ = cold('    -(b|)');
        const sent = '    -x-------|';
        const expected = '---ab----|';
        const told = '    ---f';
        const server = serving(helpers, byPath({ '/a': a$, '/b': b$ }));
        const client = server.client({ sends: sent, values: { x: together(get('/a'), get('/b')) } });
        expectBytes(client).toBe(expected, { a: FAILED, b: whole('b') });
        expectEvents(server).toBe(told, { f: 'RHK_HANDLER_FAILED' });
      });
    });

    it('cuts a reply whose handler fails behind its head', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectEvents } = helpers;
        const reply$ = cold('-b--#');
        const sent = '      -ab';
        const expected = '  --b--|'; // no last chunk
        const told = '      -----f';
        const server = serving(helpers, byPath({ '/a': reply$ }));
        const client = server.client({ sends: sent, values: { a: get('/a'), b: get('/b') } });
        expectBytes(client).toBe(expected, { b: streamed('b') });
        expectEvents(server).toBe(told, { f: 'RHK_HANDLER_FAILED' });
      });
    });

    it('answers 404 for a handler that is empty', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectEvents } = helpers;
        const reply$ = cold('--|');
        const sent = '      -a----|';
        const expected = '  ---n--|';
        const server = serving(helpers, byPath({ '/a': reply$ }));
        const client = server.client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe(expected, { n: fault('404 Not Found', 'not found') });
        expectEvents(server).toBe('');
      });
    });

    it('waits for a handler that never emits until the client leaves', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('-');
        const sent = '       -a 10m #';
        const subscribed = ' -^ 10m !';
        const client = serving(helpers, byPath({ '/a': reply$ })).client({ sends: sent, values: { a: get('/a') } });
        expectBytes(client).toBe('');
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('lets go of a handler that never completes when HEAD has its head', () => {
      marbles((helpers) => {
        const { cold, expectBytes, expectSubscriptions } = helpers;
        const reply$ = cold('--b---c---d');
        const sent = '      -a---------|';
        const subscribed = '-^-!';
        const expected = '  ---h-------|';
        const client = serving(helpers, byPath({ '/a': reply$ })).client({ sends: sent, values: { a: head('/a') } });
        expectBytes(client).toBe(expected, { h: streamed('').replace(chunk(''), '') });
        expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      });
    });

    it('reads a body while the handler is subscribed to it, and no longer', () => {
      marbles((helpers) => {
        const sent = '    -abc---d-|';
        const expected = '---r---s-|';
        const handler: Handler = mergeMap(({ uri, body$ }) => (uri === '/next' ? of('next') : body$.pipe(map(String), take2)));
        const values = { a: post('/', '', { 'content-length': 6 }), b: 'xx', c: 'yy', d: together('zz', get('/next')) };
        const client = serving(helpers, handler).client({ sends: sent, values });
        helpers.expectBytes(client).toBe(expected, { r: whole('xx,yy'), s: whole('next') });
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
        for (const handler of broken) {
          const client = serving(helpers, handler).client({ sends: '-a-|', values: { a: get('/') } });
          helpers.expectBytes(client).toBe('-b-|', { b: FAILED });
        }
      });
    });

    it('serves each connection for itself', () => {
      marbles((helpers) => {
        const { cold, network, expectBytes, expectObservable } = helpers;
        const connections$ = network.listen({ halfCloseTimeoutMs: 30_000 });
        expectObservable(connections$.pipe(answerAll(byPath({ '/never': NEVER, '/b': cold('-(b|)'), '/error': cold('-#') })))).toBe('');
        const asking = (uri: string) => connections$.client({ sends: '-a---|', values: { a: get(uri) } });
        expectBytes(asking('/never')).toBe('31s |'); // as long as a half-closed client may wait
        expectBytes(asking('/error')).toBe('--f--|', { f: FAILED });
        expectBytes(asking('/b')).toBe('--b--|', { b: whole('b') });
      });
    });

    it('completes when its source has and the last connection has closed', () => {
      marbles(({ cold, network, expectObservable }) => {
        const a$ = cold('  ----(a|)');
        const sent = '    -a-------|';
        const accepted = '--|';
        const expected = '---------|';
        const connections$ = network.listen();
        connections$.client({ sends: sent, values: { a: get('/a') }, isPolite: false }); // closes its end when it wants to
        const served$ = connections$.pipe(untilCompleted(cold(accepted)), answerAll(byPath({ '/a': a$ })));
        expectObservable(served$).toBe(expected);
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
const untilCompleted =
  <T>(notifier$: Observable<unknown>): OperatorFunction<T, T> =>
  (source$) =>
    new Observable((subscriber) => {
      subscriber.add(source$.subscribe(subscriber));
      subscriber.add(notifier$.subscribe({ complete: () => subscriber.complete() }));
    });

describe('an exchange', () => {
  it('carries HttpError to the client and to nobody else', () => {
    marbles(({ network, expectBytes, expectEvents }) => {
      const sent = '    -a-|';
      const expected = '-b-|';
      const told = '    ----';
      const handler: Handler = map((_request: HttpRequest): Reply => {
        throw new HttpError(418, 'short and stout', { headers: { 'x-a': 'b' } });
      });
      const server = network.server(handler);
      const client = server.client({ sends: sent, values: { a: get('/') } });
      expectBytes(client).toBe(expected, { b: fault("418 I'm a Teapot", 'short and stout', 'x-a: b\r\n') });
      expectEvents(server).toBe(told);
    });
  });
});
