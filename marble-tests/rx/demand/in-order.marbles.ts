import { expect } from 'chai';
import { map, mergeMap, type Observable, of, reduce, takeUntil, timer } from 'rxjs';
import { fromReadable, HandlerError, inOrder, OptionError, websocket } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import { MemoryClient } from '../../../spec/support/memory-channel.js';

/** Letters that are pulled, and how many were. */
class Letters implements Iterable<string> {
  pulled = 0;
  returned = 0;
  private readonly letters: string;

  constructor(letters: string) {
    this.letters = letters;
  }

  *[Symbol.iterator](): Generator<string> {
    try {
      for (const letter of this.letters) {
        this.pulled++;
        yield letter;
      }
    } finally {
      this.returned++;
    }
  }
}

/** A WebSocket whose operator takes one message after the other. */
const opened = (project: (message: string) => Observable<string>): MemoryClient => {
  const client = new MemoryClient(websocket<string, string>((messages$: Observable<string>) => messages$.pipe(inOrder(project)), {}));
  client.open();
  return client;
};

const says = ({ hot }: MarbleHelpers, client: MemoryClient, diagram: string): void => {
  hot(diagram).subscribe((letter) => (letter === 'x' ? client.sayClose(1000) : client.say(letter)));
};

const LETTERS = { A: 'A', B: 'B', C: 'C', z: 'close 1000', f: 'close 1011' };
const READS = { r: 'read', s: 'rest' };

describe('inOrder', () => {
  it('takes the next message when the last is done, and does not read the socket meanwhile', () => {
    marbles((helpers) => {
      const work$ = helpers.cold('---r|');
      const client$ = '    -abc------------x';
      const first = '      -^---!';
      const second = '     -----^---!';
      const third = '      ---------^---!';
      const heard = '      ----A---B---C---z';
      const reads = '      rs---(rs)(rs)r--s';
      const client = opened((letter) => work$.pipe(map(() => letter.toUpperCase())));
      says(helpers, client, client$);
      helpers.expectObservable(client.heard$).toBe(heard, LETTERS);
      helpers.expectObservable(client.demand$).toBe(reads, READS);
      helpers.expectSubscriptions(work$.subscriptions).toBe([first, second, third]);
    });
  });

  it('is concatMap to who looks at what comes out', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold('       a-b|');
      const expected = '         a-ba-ba-b|';
      expectObservable(fromReadable([1, 2, 3]).pipe(inOrder(() => work$))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(['^--!', '---^--!', '------^--!']);
    });
  });

  it('fails with its source, and lets go of what is being done', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const work$ = cold('       a----|');
      const expected = '         a-#';
      const source$ = fromReadable(['x', 'y']).pipe(takeUntil(hot('--s').pipe(map(fails))));
      expectObservable(source$.pipe(inOrder(() => work$))).toBe(expected, undefined, new Error('torn'));
      expectSubscriptions(work$.subscriptions).toBe('^-!');
    });
  });

  it('fails with what is done, and lets its source go', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const letters = new Letters('abc');
      const work$ = cold('       a-#');
      expectObservable(fromReadable(letters).pipe(inOrder(() => work$))).toBe('a-#');
      flush();
      expect(letters).to.include({ pulled: 1, returned: 1 });
    });
  });

  it('fails when its function throws, and lets its source go', () => {
    marbles(({ expectObservable, flush }) => {
      const letters = new Letters('abc');
      expectObservable(fromReadable(letters).pipe(inOrder(fails))).toBe('#', undefined, new Error('torn'));
      flush();
      expect(letters).to.include({ pulled: 1, returned: 1 });
    });
  });

  it('lets both go when it is unsubscribed', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const letters = new Letters('abc');
      const work$ = cold('       a---|');
      const unsub = '            -----!';
      const expected = '         a---a-';
      expectObservable(fromReadable(letters).pipe(inOrder(() => work$)), unsub).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(['^---!', '----^!']);
      flush();
      expect(letters).to.include({ pulled: 2, returned: 1 });
    });
  });

  it('may be all synchronous, and then never pauses and needs no stack for each item', () => {
    marbles((helpers) => {
      const client = opened((letter) => of(letter.toUpperCase()));
      says(helpers, client, '   -(abc)-x');
      helpers.expectObservable(client.heard$).toBe('-(ABC)-z', LETTERS);
      helpers.expectObservable(client.demand$).toBe('r------s', READS);
    });
    const numbers = Array.from({ length: 100_000 }, (_, index) => index);
    let sum = 0;
    fromReadable(numbers)
      .pipe(
        inOrder((n) => [n]),
        inOrder((n) => of(n)),
      )
      .subscribe((n) => (sum += n));
    expect(sum).to.equal(4_999_950_000);
  });

  it('needs no stack for many that wait, when each is done at once', () => {
    const numbers = Array.from({ length: 20_000 }, (_, index) => index);
    marbles(({ expectObservable }) => {
      const sums$ = fromReadable([numbers]).pipe(
        mergeMap((all) => all),
        inOrder((n) => (n === 0 ? timer(2) : of(n))),
        reduce((sum, n) => sum + n, 0),
      );
      expectObservable(sums$).toBe('--(s|)', { s: 199_990_000 });
    });
  });

  it('keeps what an operator makes of one item, up to queueSize', () => {
    marbles(({ cold, expectObservable }) => {
      const words$ = fromReadable(['ab', 'c']).pipe(mergeMap((word) => [...word]));
      const work$ = cold('                                               --a|');
      const failure = new HandlerError('RHK_CANNOT_SUSPEND', '1 items came though the source was paused (queueSize)');
      expectObservable(words$.pipe(inOrder(() => work$, { queueSize: 1 }))).toBe('--a--a--a|');
      const three$ = fromReadable(['abc']).pipe(mergeMap((word) => [...word]));
      expectObservable(three$.pipe(inOrder(() => work$, { queueSize: 1 }))).toBe('#', undefined, failure);
    });
  });

  it('refuses a source that cannot wait, at its subscription', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('-a-b');
      const failure = new HandlerError(
        'RHK_CANNOT_SUSPEND',
        'inOrder was given a source that cannot wait; fromReadable makes one that can',
      );
      expectObservable(source$.pipe(inOrder(() => of(1)))).toBe('#', undefined, failure);
      expectSubscriptions(source$.subscriptions).toBe([]);
    });
  });

  it('closes a WebSocket with 1011 when what is done fails', () => {
    marbles((helpers) => {
      const work$ = helpers.cold('--#');
      const client = opened(() => work$);
      says(helpers, client, '                    -ab---');
      helpers.expectObservable(client.heard$).toBe('---f', LETTERS);
      helpers.expectSubscriptions(work$.subscriptions).toBe('-^-!');
      helpers.flush();
      expect(client.reported).to.deep.equal(['RHK_HANDLER_FAILED']);
    });
  });

  it('refuses a function that is none, and a limit that is none', () => {
    expect(() => inOrder('work' as never)).to.throw(OptionError);
    for (const queueSize of [0, 1.5, NaN]) expect(() => inOrder(() => of(1), { queueSize })).to.throw(OptionError);
  });
});

const fails = (): never => {
  throw new Error('torn');
};
