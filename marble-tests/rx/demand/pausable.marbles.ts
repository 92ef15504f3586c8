import { expect } from 'chai';
import { delay, filter, finalize, map, merge, mergeMap, of, share, startWith, take } from 'rxjs';
import { asChannel, type Channel, fromReadable, type Pausable, type PausableSubscription } from 'rx-http-kit';
import { isPausable } from '#src/rx/demand/pausable.js';
import { MemoryClient } from '../../../spec/support/memory-channel.js';
import { marbles } from 'rx-http-kit/testing';
import { taking } from '../../support/taking.js';

/** Letters that are pulled, and what became of their source. */
class Letters implements Iterable<string> {
  pulled = 0;
  returned = 0;
  private readonly letters: string;
  private readonly error: Error | undefined;

  constructor(letters: string, error?: Error) {
    this.letters = letters;
    this.error = error;
  }

  *[Symbol.iterator](): Generator<string> {
    try {
      for (const letter of this.letters) {
        this.pulled++;
        yield letter;
      }
      if (this.error !== undefined) throw this.error;
    } finally {
      this.returned++;
    }
  }
}

const upper = map((letter: string) => letter.toUpperCase());

describe('Pausable', () => {
  it('gives what is wanted, when it is wanted, also behind operators', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const letters = new Letters('abxcd');
      const demand$ = hot('  --1---2-----r');
      const expected = '     --A---(BC)--(D|)';
      const source$ = fromReadable(letters).pipe(
        filter((letter) => letter !== 'x'),
        upper,
      );
      expectObservable(taking(source$, demand$)).toBe(expected);
      flush();
      expect(letters).to.include({ pulled: 5, returned: 1 });
    });
  });

  it('fails with its source, behind what came before', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const letters = new Letters('ab', new Error('torn'));
      const demand$ = hot('  --1---r');
      const expected = '     --A---(B#)';
      expectObservable(taking(fromReadable(letters).pipe(upper), demand$)).toBe(expected, undefined, new Error('torn'));
      flush();
      expect(letters.returned).to.equal(1);
    });
  });

  it('lets its source go when an operator fails', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const letters = new Letters('abc');
      const demand$ = hot('  --1---r');
      const expected = '     --a---#';
      const source$ = fromReadable(letters).pipe(
        map((letter) => {
          if (letter === 'b') throw new Error('no b');
          return letter;
        }),
      );
      expectObservable(taking(source$, demand$)).toBe(expected, undefined, new Error('no b'));
      flush();
      expect(letters).to.include({ pulled: 2, returned: 1 });
    });
  });

  it('lets its source go when unsubscribed, paused or not, and asks nothing of it when unsubscribed at rest', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const letters = new Letters('abc');
      const untouched = new Letters('abc');
      const demand$ = hot('  --1-------1');
      const expected = '     --A---';
      const unsub = '        -----!';
      expectObservable(taking(fromReadable(letters).pipe(upper), demand$), unsub).toBe(expected);
      expectObservable(taking(fromReadable(untouched).pipe(upper), demand$), '-!').toBe('-');
      flush();
      expect(letters).to.include({ pulled: 1, returned: 1 });
      expect(untouched).to.include({ pulled: 0, returned: 0 });
    });
  });

  it('may be all synchronous, and then needs no stack for each item', () => {
    let sum = 0;
    const numbers = function* (): Generator<number> {
      for (let i = 0; i < 100_000; i++) yield i;
    };
    const source: PausableSubscription = (fromReadable(numbers).pipe(map((n) => n * 2)) as Pausable<number>).subscribePausable({
      next: (n) => {
        sum += n;
        source.pause();
        source.resume();
      },
    });
    source.resume();
    expect(sum).to.equal(9_999_900_000);
    expect(source.closed).to.equal(true);
  });

  it('flows by itself for who subscribes as ever', () => {
    marbles(({ expectObservable }) => {
      expectObservable(fromReadable(['a', 'b']).pipe(upper)).toBe('(AB|)');
    });
  });

  it('paused in one subscription flows in another', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = fromReadable(() => ['a', 'b', 'c']).pipe(upper);
      expectObservable(taking(source$, hot('1--1--r'))).toBe('A--B--(C|)');
      expectObservable(taking(source$, hot('-r'))).toBe('-(ABC|)');
    });
  });

  it('pauses all that an operator subscribes of it, one after the other', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = fromReadable(() => ['a', 'b']).pipe(
        mergeMap((letter) => [letter, letter]),
        startWith('s'),
      );
      expectObservable(taking(source$, hot('r'))).toBe('(saabb|)');
    });
  });

  it('does not hold back what an operator has taken and holds', () => {
    marbles(({ hot, expectObservable }) => {
      const demand$ = hot('  1------r');
      const expected = '     --(abc|)';
      expectObservable(taking(fromReadable(['a', 'b', 'c']).pipe(delay(2)), demand$)).toBe(expected);
    });
  });

  it('does not keep others waiting who share it with one that paused and left', () => {
    marbles(({ hot, expectObservable }) => {
      const shared$ = fromReadable(['a', 'b', 'c']).pipe(share());
      expectObservable(taking(shared$, hot('1')), '----!').toBe('a');
      expectObservable(taking(shared$, hot('-r'))).toBe('----(bc|)');
    });
  });

  it('is no more, once creation functions had it', () => {
    const source$ = fromReadable(['a']);
    expect(isPausable(source$.pipe(upper, take(1)))).to.equal(true);
    expect(isPausable(merge(source$, of('b')))).to.equal(false);
  });

  it('of a WebSocket keeps the socket from being read, for all who listen', () => {
    marbles(({ hot, expectObservable }) => {
      const client$ = '      -a-b-c-d------e-x';
      const demand$ = hot('  1------r');
      const paced = '        -A-----(BCD)--E-|';
      const beside = '       -a-----(bcd)--e-|';
      const reads = '        rs-----r--------s';
      let opened: Channel<string, string> | undefined;
      const client = new MemoryClient(asChannel<string, string>((channel) => void (opened = channel), {}));
      client.open();
      const channel = opened as unknown as Channel<string, string>; // set by the setup
      hot(client$).subscribe((letter) => (letter === 'x' ? client.sayClose(1000) : client.say(letter)));
      expectObservable(taking(channel.pipe(upper), demand$)).toBe(paced);
      expectObservable(channel).toBe(beside);
      expectObservable(client.demand$).toBe(reads, { r: 'read', s: 'rest' });
    });
  });

  it('lets finalizers run once', () => {
    const finalized: string[] = [];
    const source$ = fromReadable(['a', 'b']).pipe(finalize(() => finalized.push('done'))) as Pausable<string>;
    const source: PausableSubscription = source$.subscribePausable({});
    source.resume();
    source.unsubscribe();
    expect(finalized).to.deep.equal(['done']);
  });
});
