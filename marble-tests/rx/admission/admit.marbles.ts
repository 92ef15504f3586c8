import { expect } from 'chai';
import { catchError, concat, EMPTY, filter, map, merge, mergeMap, NEVER, type Observable, of, take, takeUntil, throwError } from 'rxjs';
import { admit, type AdmitOptions, type Handler, type HttpRequest, type Middleware, OverloadError, type Pressure } from 'rx-http-kit';
import { marbles } from 'rx-http-kit/testing';

/** A request that no server made, as applications make them in tests. */
const requestTo = (uri: string): HttpRequest => ({ uri }) as HttpRequest; // the handlers here read nothing else

/** `x`: too many. `t`: waited too long. `e`: what the handler threw. */
const letterOf = (error: unknown): string => {
  if (!(error instanceof OverloadError)) return 'e';
  return error.code === 'RHK_ADMISSION_FULL' ? 'x' : 't';
};

/** Sends one request for each letter; a client leaves with the capital of its letter. */
const clients = (letters$: Observable<string>, handler: Handler): Observable<string> =>
  letters$.pipe(
    filter((letter) => letter === letter.toLowerCase()),
    mergeMap((letter) =>
      of(requestTo(letter)).pipe(
        handler,
        map(String),
        catchError((error: unknown) => of(letterOf(error))),
        takeUntil(letters$.pipe(filter((other) => other === letter.toUpperCase()))),
      ),
    ),
  );

/** A handler that answers with its request's letter in capitals whenever `work$` says so. */
const working = (work$: Observable<unknown>): Handler => mergeMap(({ uri }) => work$.pipe(map(() => uri.toUpperCase())));

const gateOf = (options: Partial<AdmitOptions> = {}): ReturnType<typeof admit> => admit({ concurrency: 1, ...options });

/** `2+1`: two run, one waits. */
const counts = (pressure$: Observable<Pressure>): Observable<string> =>
  pressure$.pipe(map(({ active, waiting }) => `${active}+${waiting}`));

describe('admit', () => {
  it('serves one, lets one wait and refuses one at once, and serves the waiting one next', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   -a-bc---------|');
      const work$ = cold('      ----(r|)      ');
      const servedA = '        -^---!         ';
      const servedB = '        -----^---!     ';
      const expected = '       ----xA---B----|'; // x: 503 for c, in its own frame
      expectObservable(clients(letters$, gateOf({ queueSize: 1 })(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });

  it('serves in the order of coming, as many at a time as it may', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   abcd-----------|');
      const work$ = cold('     -----(r|)       ');
      const servedA = '        ^----!          ';
      const servedB = '        -^----!         ';
      const servedC = '        -----^----!     ';
      const servedD = '        ------^----!    ';
      const expected = '       -----AB---CD---|';
      expectObservable(clients(letters$, gateOf({ concurrency: 2 })(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB, servedC, servedD]);
    });
  });

  it('holds a slot until the reply stream has ended, not only begun', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab---------|');
      const work$ = cold('     r--r|       ');
      const servedA = '        ^---!       ';
      const servedB = '        ----^---!   ';
      const expected = '       A--AB--B---|';
      expectObservable(clients(letters$, gateOf()(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });

  it('lets nobody wait where the queue has no place', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab-c----|');
      const work$ = cold('     --(r|)   ');
      const expected = '       -xA--C--|';
      expectObservable(clients(letters$, gateOf({ queueSize: 0 })(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(['^-!', '---^-!']);
    });
  });

  it('refuses each that has waited too long, in its frame, and never runs it', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab-c---d-----|');
      const work$ = cold('     ---------(r|) ');
      const servedA = '        ^--------!    ';
      const servedD = '        ---------^--------!';
      const expected = '       ------t-tA--------(D|)';
      expectObservable(clients(letters$, gateOf({ maxWaitMs: 5 })(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedD]);
    });
  });

  it('gives each its whole time, though the one that the timer was set for has left', () => {
    marbles(({ hot, expectObservable }) => {
      const letters$ = hot('   abc-B---d');
      const expected = '       -------t-----t';
      expectObservable(clients(letters$, gateOf({ maxWaitMs: 5 })(working(NEVER)))).toBe(expected);
    });
  });

  it('refuses at the end of the turn where nobody may wait any time', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(clients(hot('ab-c-----'), gateOf({ maxWaitMs: 0 })(working(NEVER)))).toBe('-t-t-----');
    });
  });

  it('lets them wait half a minute by default, and for ever when told so', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(clients(hot('(ab)'), gateOf()(working(NEVER)))).toBe('30s t');
    });
    marbles(({ hot, expectObservable }) => {
      expectObservable(clients(hot('(ab)'), gateOf({ maxWaitMs: Infinity })(working(NEVER)))).toBe('');
    });
  });

  it('never runs one whose client left while it waited, and gives its place to the next', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab-cB-d-----|');
      const work$ = cold('     --------(r|) ');
      const servedA = '        ^-------!    ';
      const servedD = '        --------^-------!';
      const expected = '       ---x----A-------(D|)';
      expectObservable(clients(letters$, gateOf({ queueSize: 1 })(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedD]);
    });
  });

  it('gives the slot of a client that leaves to the next, though its handler never emits', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab---A---B-|');
      const work$ = cold('     -           ');
      const servedA = '        ^----!      ';
      const servedB = '        -----^---!  ';
      expectObservable(clients(letters$, gateOf()(working(work$)))).toBe('-----------|');
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB]);
    });
  });

  it('gives the slot of one that fails to the next', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   ab------|');
      const work$ = cold('     ---#     ');
      const expected = '       ---e--e-|';
      expectObservable(clients(letters$, gateOf()(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(['^--!', '---^--!']);
    });
  });

  const failing: Readonly<Record<string, readonly [handler: Handler, said: string]>> = {
    'throws when it is applied': [
      () => {
        throw new Error('a bug');
      },
      'eee---|',
    ],
    'throws when it is called': [
      map(() => {
        throw new Error('a bug');
      }),
      'eee---|',
    ],
    'fails at once': [() => throwError(() => new Error('at once')), 'eee---|'],
    'is empty': [() => EMPTY, '------|'],
  };
  for (const [what, [handler, said]] of Object.entries(failing)) {
    it(`gives back the slot of a handler that ${what}`, () => {
      marbles(({ hot, expectObservable }) => {
        expectObservable(clients(hot('abc---|'), gateOf({ queueSize: 0 })(handler))).toBe(said);
      });
    });
  }

  it('serves whoever comes in the turn in which a slot became free behind those who wait', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const work$ = cold('     ----(r|)');
      const letters$ = hot('   abB-(cd)-----|'); // c and d come in the frame in which a is done
      const expected = '       ----A---C---D|';
      expectObservable(clients(letters$, gateOf()(working(work$)))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(['^---!', '----^---!', '--------^---!']);
    });
  });

  it('serves who finds a slot free in that turn behind who was given one in it', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const done$ = hot('----r---r');
      const ran: string[] = [];
      const handler: Handler = mergeMap(({ uri }) => {
        ran.push(uri);
        return done$.pipe(
          take(1),
          map(() => uri.toUpperCase()),
        );
      });
      const gated = gateOf({ concurrency: 2 })(handler);
      const ask = (letter: string): Observable<string> => clients(of(letter), gated);
      // d comes within the end of b; by then c has got the slot of a
      expectObservable(merge(ask('a'), concat(ask('b'), ask('d')), ask('c'))).toBe('----(AB)(CD|)');
      flush();
      expect(ran.join('')).to.equal('abcd');
    });
  });

  it('runs nobody who leaves in the turn in which it got a slot', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const letters$ = hot('   abcd-(ABC)-----|'); // as when a server is cut
      const work$ = cold('     -------(r|)     ');
      const servedA = '        ^----!          ';
      const servedD = '        -----^------!   ';
      expectObservable(clients(letters$, gateOf()(working(work$)))).toBe('------------D--|');
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedD]);
    });
  });

  it('answers within the call where there is a slot and the handler does', () => {
    marbles(({ expectObservable }) => {
      const letters$ = of('a', 'b', 'c');
      expectObservable(clients(letters$, gateOf({ queueSize: 0 })(working(of('now'))))).toBe('(ABC|)');
    });
  });

  it('lets go of what runs and of what waits when the stream of requests fails', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const requests$ = hot('  -ab--#').pipe(map(requestTo));
      const work$ = cold('     -----(r|)');
      const gate = gateOf();
      expectObservable(requests$.pipe(gate(working(work$)))).toBe('-----#');
      expectSubscriptions(work$.subscriptions).toBe('-^---!');
      expectObservable(counts(gate.pressure$)).toBe('012--(10)', { 0: '0+0', 1: '1+0', 2: '1+1' });
    });
  });

  it('lets go of what runs and of what waits when it is unsubscribed', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const requests$ = hot('  ab--').pipe(map(requestTo));
      const work$ = cold('     -----(r|)');
      expectObservable(requests$.pipe(gateOf()(working(work$))), '^--!').toBe('----');
      expectSubscriptions(work$.subscriptions).toBe('^--!');
    });
  });

  it('shares its slots among all handlers that it is given', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const gate = gateOf({ queueSize: 0 });
      const one = gate(working(cold('---(r|)')));
      const other = gate(working(of('now')));
      const letters$ = hot('   a------|');
      const others$ = hot('    -b--c--|');
      expectObservable(clients(letters$, one)).toBe('---A---|');
      expectObservable(clients(others$, other)).toBe('-x--C--|');
    });
  });

  it('shares nothing with what another call has made', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const gates: Middleware[] = [gateOf({ queueSize: 0 }), gateOf({ queueSize: 0 })];
      const [one, other] = gates.map((gate) => gate(working(cold('---(r|)'))));
      expectObservable(clients(hot('a------|'), one)).toBe('---A---|');
      expectObservable(clients(hot('-b-----|'), other)).toBe('----B--|');
    });
  });

  describe('pressure$', () => {
    it('tells how many run and wait: now, and whenever that changes', () => {
      marbles(({ cold, hot, expectObservable }) => {
        const gate = gateOf({ queueSize: 1 });
        const letters$ = hot('   -abc------|');
        const work$ = cold('      ----(r|)  ');
        const told = '           012--4---5 ';
        expectObservable(clients(letters$, gate(working(work$)))).toBe('---x-A---B|');
        expectObservable(counts(gate.pressure$)).toBe(told, { 0: '0+0', 1: '1+0', 2: '1+1', 4: '1+0', 5: '0+0' });
        expectObservable(counts(gate.pressure$), '---^--!').toBe('---2-4', { 2: '1+1', 4: '1+0' });
      });
    });

    it('tells the limits, too', () => {
      marbles(({ expectObservable }) => {
        const gate = admit({ concurrency: 3, queueSize: 7 });
        const pressure: Pressure = { active: 0, waiting: 0, concurrency: 3, queueSize: 7 };
        expectObservable(gate.pressure$).toBe('p', { p: pressure });
      });
    });

    it('ends with the newest state for every watcher, though one of them brings in more', () => {
      marbles(({ hot, expectObservable }) => {
        const gate = gateOf({ maxWaitMs: Infinity });
        const handler = gate(working(NEVER));
        let isFirst = true;
        gate.pressure$.subscribe(({ active }) => {
          if (active === 0 || !isFirst) return;
          isFirst = false;
          of(requestTo('b')).pipe(handler).subscribe();
        });
        expectObservable(clients(hot('-a'), handler)).toBe('--');
        expectObservable(counts(gate.pressure$)).toBe('0(12)', { 0: '0+0', 1: '1+0', 2: '1+1' });
      });
    });
  });
});
