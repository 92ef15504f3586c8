import { expect } from 'chai';
import { defer, map, type Observable, take, tap } from 'rxjs';
import { HttpKitError, type Published, topic, type Topic } from 'rx-http-kit';
import { marbles } from 'rx-http-kit/testing';

const valuesOf = (published$: Observable<Published<string>>): Observable<string> => published$.pipe(map(({ value }) => value));

const behind = (source: Topic<string>, offset: number): Observable<string> =>
  valuesOf(defer(() => source.after(`${source.epoch}:${offset}`)));

/** What is kept behind an offset in this frame. */
const kept = (source: Topic<string>, offset: number): string => {
  const { recovered, items } = source.since(`${source.epoch}:${offset}`);
  return recovered ? items.map(({ value }) => value).join('') : 'lost';
};

describe('topic', () => {
  it('is a Subject: subscribed to a source, heard by all from when they came', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source$ = hot('   -a-b-c-|');
      const early = '         ^-------';
      const expectedEarly = ' -a-b-c-|';
      const late = '          --^--!  ';
      const expectedLate = '  ---b----';
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      expectObservable(valuesOf(letters), early).toBe(expectedEarly);
      expectObservable(valuesOf(letters), late).toBe(expectedLate);
      expectSubscriptions(source$.subscriptions).toBe('^------!');
    });
  });

  it('replays behind a cursor and goes on live, to its end', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = hot('  -a-b-c----d-e-|');
      const comes = '        ------^--------';
      const expected = '     ------(bc)d-e-|';
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      expectObservable(behind(letters, 1), comes).toBe(expected);
    });
  });

  it('fails with its source, for who is there and who comes late', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = hot('  -a-#   ');
      const late = '         -----^ ';
      const expectedLate = ' -----(a#)';
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      expectObservable(valuesOf(letters)).toBe('-a-#');
      expectObservable(behind(letters, 0), late).toBe(expectedLate);
    });
  });

  it('says that a cursor is lost, instead of leaving a hole', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = hot('  -a-b-c-');
      const comes = '        ------^';
      const letters = topic<string>('letters', { history: 1 });
      source$.subscribe(letters);
      expectObservable(behind(letters, 1), comes).toBe('------#', undefined, new HttpKitError('RHK_CURSOR_LOST'));
      expectObservable(behind(letters, 2), comes).toBe('------c');
      expectObservable(behind(letters, 4), comes).toBe('------#', undefined, new HttpKitError('RHK_CURSOR_LOST'));
    });
  });

  it('forgets what is older than ttlMs', () => {
    marbles(({ hot, flush, scheduler }) => {
      const source$ = hot(' 10ms a 9ms b 9ms c');
      const looks$ = hot('  25ms x 84ms y 9ms z 500ms w');
      const letters = topic<string>('letters', { ttlMs: 100 });
      source$.subscribe(letters);
      const seen: string[] = [];
      looks$.subscribe(() => seen.push(`${scheduler.frame} ${kept(letters, 0)} ${kept(letters, 1)} ${kept(letters, 3)}`));
      flush();
      expect(seen).to.deep.equal(['25 ab b lost', '110 lost bc ', '120 lost lost ', '621 lost lost ']);
    });
  });

  it('keeps one order for all when a subscriber publishes, and when it ends the topic', () => {
    marbles(({ hot, expectObservable }) => {
      const source$ = hot('  --a-----b---');
      const expected = '     --(aA)--(bB|)';
      const letters = topic<string>('letters');
      valuesOf(letters).subscribe((letter) => {
        if (letter === 'a' || letter === 'b') letters.next(letter.toUpperCase());
        if (letter === 'b') letters.complete();
      });
      expectObservable(valuesOf(letters)).toBe(expected);
      source$.subscribe(letters);
    });
  });

  it('neither misses nor doubles what is published while somebody comes', () => {
    marbles(({ hot, flush }) => {
      const source$ = hot('  --a-----b');
      const letters = topic<string>('letters');
      const heard: Record<string, string> = { early: '', nested: '', late: '' };
      const listen = (name: string, published$: Observable<string>): unknown => published$.subscribe((letter) => (heard[name] += letter));
      valuesOf(letters)
        .pipe(take(1))
        .subscribe(() => {
          letters.publish('x'); // waits until all have heard a
          listen('nested', behind(letters, 0));
          letters.publish('y');
        });
      listen('early', valuesOf(letters));
      source$.subscribe(letters);
      hot('----|').subscribe({ complete: () => listen('late', behind(letters, 1)) });
      flush();
      expect(heard).to.deep.equal({ early: 'axyb', nested: 'axyb', late: 'xyb' });
    });
  });

  it('is left at once by a subscriber that has enough, also in the middle of a replay', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const source$ = hot('  -a-b-c----');
      const comes = '        ------^---';
      const expected = '     ------(b|)';
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      let heard = 0;
      const counted$ = behind(letters, 1).pipe(
        tap(() => heard++),
        take(1),
      );
      expectObservable(counted$, comes).toBe(expected);
      flush();
      expect(heard).to.equal(1);
      expect((letters as unknown as { log: { followerCount: number } }).log.followerCount).to.equal(0); // who stays is the promise
    });
  });
});
