import { expect } from 'chai';
import { finalize, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { json, multiplex, type MultiplexTopics, websocket } from 'rx-http-kit';
import { marbles } from 'rx-http-kit/testing';
import { MemoryClient } from '../../../spec/support/memory-channel.js';

const sub = (topic: string): object => ({ subscribe: topic });
const unsub = (topic: string): object => ({ unsubscribe: topic });
const data = (type: string, value: unknown): object => ({ type, data: value });

/** What clients say: lower case opens a topic, upper case lets it go. */
const REQUESTS = {
  a: sub('a'),
  A: unsub('a'),
  b: sub('b'),
  B: unsub('b'),
  x: sub('nowhere'),
  n: null,
  s: 'text',
  o: {},
  p: sub('__proto__'),
};

describe('multiplex', () => {
  it('opens a topic for each subscribe and lets it go with its unsubscribe', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('        --1-2-3');
      const b$ = cold('          ---4-5-6');
      const requests$ = hot('  -a-b--A-|', REQUESTS);
      const a = '              -^----!';
      const b = '              ---^----!';
      const replies = '        ---1-24-|';
      const replies$ = requests$.pipe(multiplex({ a: () => a$, b: () => b$ }));
      expectObservable(replies$).toBe(replies, { 1: data('a', '1'), 2: data('a', '2'), 4: data('b', '4') });
      expectSubscriptions(a$.subscriptions).toBe(a);
      expectSubscriptions(b$.subscriptions).toBe(b);
      expectSubscriptions(requests$.subscriptions).toBe('^-------!');
    });
  });

  it('stops a topic that never leaves its subscribe when its client is cut', () => {
    marbles(() => {
      let made = 0;
      const endless$ = new Observable<number>((subscriber) => {
        while (!subscriber.closed && made < 100_000) subscriber.next(made++);
      });
      const client = new MemoryClient(websocket(multiplex({ all: () => endless$ }), { codec: json, queueSize: 10 }));
      client.open();
      client.take(5);
      client.say(JSON.stringify(sub('all')));
      expect(made, 'five are taken, ten wait, one is too many').to.equal(16);
    });
  });

  it('lets a topic go once, that its client lets go of while it is being opened', () => {
    const requests$ = new Subject<unknown>();
    const heard: unknown[] = [];
    let letGo = 0;
    const topic$ = new Observable<number>((subscriber) => {
      subscriber.next(1);
      subscriber.next(2);
      return () => letGo++;
    });
    requests$.pipe(multiplex({ a: () => topic$ })).subscribe((reply) => {
      heard.push(reply);
      requests$.next(unsub('a'));
    });
    requests$.next(sub('a'));
    expect([heard, letGo]).to.deep.equal([[data('a', 1)], 1]);
    requests$.next(sub('a'));
    expect([heard, letGo]).to.deep.equal([[data('a', 1), data('a', 1)], 2]);
  });

  it('fails with what a finalizer of a topic throws, and lets all others go', () => {
    const unsubscribed$ = new Subject<unknown>();
    const letGo: string[] = [];
    const topics = {
      bad: () =>
        NEVER.pipe(
          finalize(() => {
            throw new Error('finalizer');
          }),
        ),
      good: () => NEVER.pipe(finalize(() => letGo.push('good'))),
    };
    let failure: unknown;
    unsubscribed$.pipe(multiplex(topics)).subscribe({ error: (error) => (failure = error) });
    for (const request of [sub('bad'), sub('good')]) unsubscribed$.next(request);
    unsubscribed$.next(unsub('bad'));
    expect([String(failure).includes('finalizer'), letGo]).to.deep.equal([true, ['good']]);

    const left$ = new Subject<unknown>();
    const client = left$.pipe(multiplex(topics)).subscribe();
    for (const request of [sub('bad'), sub('good')]) left$.next(request);
    expect(() => client.unsubscribe()).to.throw('finalizer');
    expect(letGo).to.deep.equal(['good', 'good']);
  });

  it('keeps one subscription for a topic that is asked for twice, and opens it again once it was let go', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('         --1');
      const requests$ = hot('  -aa--Aa---|', REQUESTS);
      const replies = '        ---1----1-|';
      expectObservable(requests$.pipe(multiplex({ a: () => a$ }))).toBe(replies, { 1: data('a', '1') });
      expectSubscriptions(a$.subscriptions).toBe(['-^---!', '------^---!']);
    });
  });

  it('says how a topic ended, goes on with the others, and opens it again when asked', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('         -|');
      const b$ = cold('          --#');
      const requests$ = hot('  -ab--a--|', REQUESTS);
      const replies = '        --c-f-c-|';
      expectObservable(requests$.pipe(multiplex({ a: () => a$, b: () => b$ }))).toBe(replies, {
        c: { type: 'a', complete: true },
        f: { type: 'b', error: 'topic failed' },
      });
      expectSubscriptions(a$.subscriptions).toBe(['-^!', '-----^!']);
      expectSubscriptions(b$.subscriptions).toBe('--^-!');
    });
  });

  it('takes a topic that throws instead of giving a source for one that fails', () => {
    marbles(({ hot, expectObservable }) => {
      const topics: MultiplexTopics = {
        a: () => {
          throw new Error('a bug');
        },
        b: () => throwError(() => new Error('at once')),
      };
      expectObservable(hot('-a-b-|', REQUESTS).pipe(multiplex(topics))).toBe('-f-g-|', {
        f: { type: 'a', error: 'topic failed' },
        g: { type: 'b', error: 'topic failed' },
      });
    });
  });

  it('opens a topic that is over at once again each time', () => {
    marbles(({ hot, expectObservable }) => {
      const requests$ = hot('  -a-----a---|', REQUESTS);
      const replies = '        -(1c)--(1c)|';
      expectObservable(requests$.pipe(multiplex({ a: () => of('1') }))).toBe(replies, {
        1: data('a', '1'),
        c: { type: 'a', complete: true },
      });
    });
  });

  it('gives a topic all that was said when it was asked for', () => {
    marbles(({ hot, expectObservable }) => {
      const requests$ = hot('-r---|', { r: { subscribe: 'a', symbol: 'RX', depth: 2 } });
      const replies$ = requests$.pipe(multiplex({ a: ({ symbol, depth }) => of([symbol, depth]) }));
      expectObservable(replies$).toBe('-(1c)|', { 1: data('a', ['RX', 2]), c: { type: 'a', complete: true } });
    });
  });

  it('answers what it does not know with an error, and goes on', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const a$ = cold('             --1');
      const requests$ = hot('  xnsopBa----|', REQUESTS);
      const replies = '        xnnnp---1--|';
      expectObservable(requests$.pipe(multiplex({ a: () => a$ }))).toBe(replies, {
        x: { type: 'nowhere', error: 'unknown topic' },
        n: { type: '', error: 'not a request' },
        p: { type: '__proto__', error: 'unknown topic' },
        1: data('a', '1'),
      });
    });
  });

  it('lets all topics go when its source fails', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('        --1-2');
      const requests$ = hot('  -a--#', REQUESTS);
      expectObservable(requests$.pipe(multiplex({ a: () => a$ }))).toBe('---1#', { 1: data('a', '1') });
      expectSubscriptions(a$.subscriptions).toBe('-^--!');
    });
  });

  it('lets all topics go when it is unsubscribed', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('        --1-2');
      const b$ = cold('        ----3');
      const requests$ = hot('  -ab-', REQUESTS);
      expectObservable(requests$.pipe(multiplex({ a: () => a$, b: () => b$ })), '^---!').toBe('---1', { 1: data('a', '1') });
      expectSubscriptions(a$.subscriptions).toBe('-^--!');
      expectSubscriptions(b$.subscriptions).toBe('--^-!');
      expectSubscriptions(requests$.subscriptions).toBe('^---!');
    });
  });

  for (const [end, leave] of [
    ['closes', (client: MemoryClient) => client.sayClose(1000)],
    ['vanishes', (client: MemoryClient) => client.vanish()],
  ] as const) {
    it(`lets all topics go when the client ${end}`, () => {
      marbles(({ cold, hot, expectObservable, expectSubscriptions, flush }) => {
        const a$ = cold('             --1-2');
        const b$ = cold('              ---3');
        const client = new MemoryClient(websocket<unknown, object>(multiplex({ a: () => a$, b: () => b$ }), { codec: json }));
        client.open();
        hot('-ab-', REQUESTS).subscribe((request) => client.say(JSON.stringify(request)));
        hot('----l').subscribe(() => leave(client));
        const heard = end === 'closes' ? '---1z' : '---1';
        expectObservable(client.heard$).toBe(heard, { 1: '{"type":"a","data":"1"}', z: 'close 1000' });
        expectSubscriptions(a$.subscriptions).toBe('-^--!');
        expectSubscriptions(b$.subscriptions).toBe('--^-!');
        flush();
        expect(client.isHandled).to.equal(false);
      });
    });
  }
});
