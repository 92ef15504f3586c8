import { expect } from 'chai';
import { concat, defer, finalize, interval, map, mergeMap, NEVER, type Observable, of, tap } from 'rxjs';
import { asText, type Handler, OptionError, type StopOptions } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import type { MemoryClient } from '#src/testing/memory-client.js';
import { chunk, get, play, post, streamed, undated, VirtualServer, whole } from '../support/virtual-server.js';

const CLOSE = 'connection: close\r\n';

/** A server that is told to stop in a frame, and what becomes of it. */
const stopping = (
  { clock, cold }: MarbleHelpers,
  handler: Handler,
  at: string,
  options?: StopOptions,
): { server: VirtualServer; client: MemoryClient; status$: Observable<string> } => {
  const server = new VirtualServer(clock, handler);
  cold(at).subscribe({ complete: () => void server.server.stop(options) });
  return { server, client: server.connect(), status$: defer(() => server.server.status$).pipe(map((status) => status[0])) };
};

/** Ends its side when the server does. */
const polite = (client: MemoryClient): void => {
  client.received$.subscribe({ complete: () => client.end() });
};

// Of a status diagram: r is running; the letters of one frame are `stopping` and `stopped`.
const STATUS = { r: 'r', s: 's' };

describe('stop', () => {
  it('closes idle connections at once', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(
        helpers,
        map(() => 'a'),
        '-----|',
      );
      play(client, concat(helpers.cold('-a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('-a---|', { a: whole('a') });
      helpers.expectObservable(status$).toBe('r----(ss|)', STATUS);
    });
  });

  it('lets a reply that runs finish, and says that it is the last', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('     -------(b|)');
      const at = '                      -----|     ';
      const expected = '                --------(b|)';
      const statuses = '                r----s--(s|)';
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => reply$),
        at,
      );
      polite(client);
      play(client, concat(helpers.cold('-a', { a: get('/') + get('/never') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe(expected, { b: whole('b', CLOSE) });
      helpers.expectObservable(status$).toBe(statuses, STATUS);
      helpers.expectSubscriptions(reply$.subscriptions).toBe('-^------!');
    });
  });

  it('cuts a reply that does not, when its time is over', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('500ms (b|)');
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => reply$),
        '-----|',
      );
      play(client, concat(helpers.cold('-a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$).toBe('105ms |');
      helpers.expectSubscriptions(reply$.subscriptions).toBe('-^ 103ms !');
      helpers.expectObservable(status$).toBe('r----s 99ms (s|)', STATUS);
    });
  });

  it('cuts an endless stream, with its client told', () => {
    marbles((helpers) => {
      let letGo = 0;
      const ticks$ = interval(40).pipe(
        map(() => 'x'),
        finalize(() => letGo++),
      );
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => ticks$),
        '10ms |',
        { timeout: 100 },
      );
      play(client, concat(helpers.cold('a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('40ms a 39ms b 29ms |', {
        a: streamed('x').replace('\r\n\r\n', `\r\n${CLOSE}\r\n`),
        b: chunk('x'),
      });
      helpers.expectObservable(status$).toBe('r 9ms s 99ms (s|)', STATUS);
      helpers.flush();
      expect(letGo).to.equal(1);
    });
  });

  it('lets a head that has begun be finished and answered, within its time', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(
        helpers,
        map(() => 'a'),
        '-----|',
      );
      polite(client);
      play(client, concat(helpers.cold('-a------b', { a: 'GET / HTT', b: 'P/1.1\r\nhost: x\r\n\r\n' }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('--------(a|)', { a: whole('a', CLOSE) });
      helpers.expectObservable(status$).toBe('r----s--(s|)', STATUS);
    });
  });

  it('cuts a head that is not', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(
        helpers,
        map(() => 'a'),
        '-----|',
      );
      play(client, concat(helpers.cold('-a', { a: 'GET / HTT' }), NEVER));
      helpers.expectObservable(client.received$).toBe('105ms |');
      helpers.expectObservable(status$).toBe('r----s 99ms (s|)', STATUS);
    });
  });

  it('lets a body that comes be read and answered, within its time', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(helpers, (requests$) => requests$.pipe(asText()), '-----|');
      polite(client);
      play(client, concat(helpers.cold('-a------b', { a: post(4), b: 'body' }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('--------(a|)', { a: whole('body', CLOSE) });
      helpers.expectObservable(status$).toBe('r----s--(s|)', STATUS);
    });
  });

  it('cuts a body that does not, and unsubscribes from what waits for it', () => {
    marbles((helpers) => {
      let letGo = 0;
      const handler: Handler = (requests$) =>
        requests$.pipe(
          asText(),
          finalize(() => letGo++),
        );
      const { client, status$ } = stopping(helpers, handler, '-----|');
      play(client, concat(helpers.cold('-a', { a: `${post(4)}bo` }), NEVER));
      helpers.expectObservable(client.received$).toBe('105ms |');
      helpers.expectObservable(status$).toBe('r----s 99ms (s|)', STATUS);
      helpers.flush();
      expect(letGo).to.equal(1);
    });
  });

  it('does not wait for a client that has its answer and stays', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => helpers.cold('----(b|)')),
        '--|',
      );
      play(client, concat(helpers.cold('a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('----(b|)', { b: whole('b', CLOSE) });
      helpers.expectObservable(status$).toBe('r-s 99ms (s|)', STATUS);
    });
  });

  it('at once, with a timeout of 0', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('  ------(b|)');
      const subscribed = '           -^---!';
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => reply$),
        '-----|',
        { timeout: 0 },
      );
      play(client, concat(helpers.cold('-a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$).toBe('-----|');
      helpers.expectObservable(status$).toBe('r----(ss|)', STATUS);
      helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('never by force, with a timeout of Infinity', () => {
    marbles((helpers) => {
      const { client, status$ } = stopping(
        helpers,
        mergeMap(() => helpers.cold('10m (b|)')),
        '-|',
        { timeout: Infinity },
      );
      polite(client);
      play(client, concat(helpers.cold('a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('10m (b|)', { b: whole('b', CLOSE) });
      helpers.expectObservable(status$).toBe('rs 599998ms (s|)', STATUS);
    });
  });

  it('accepts nobody any more', () => {
    marbles((helpers) => {
      const { server, client } = stopping(
        helpers,
        mergeMap(() => helpers.cold('50ms (b|)')),
        '-|',
      );
      play(client, concat(helpers.cold('a', { a: get('/') }), NEVER));
      const late: MemoryClient[] = [];
      helpers.clock.after(10, () => late.push(server.connect()));
      helpers.clock.after(20, () => {
        expect(late[0].isClosed).to.equal(true);
        late[0].send(get('/'));
      });
      helpers.flush();
      expect([server.acceptor.isOpen, late[0].text]).to.deep.equal([false, '']);
    });
  });

  it('is over when every finalizer has run, and tells everybody', () => {
    marbles((helpers) => {
      const log: string[] = [];
      const handler: Handler = mergeMap(({ uri }) => concat(of('a'), NEVER).pipe(finalize(() => log.push(`let go of ${uri}`))));
      const { server, client, status$ } = stopping(helpers, handler, '-----|', { timeout: 10 });
      play(client, concat(helpers.cold('-a', { a: get('/1') }), NEVER));
      play(server.connect(), concat(helpers.cold('-a', { a: get('/2') }), NEVER));
      helpers.clock.after(1, () => {
        server.server.events$.subscribe({ complete: () => log.push('events over') });
        status$.pipe(tap((status) => log.push(status))).subscribe({ complete: () => log.push('status over') });
      });
      helpers.flush();
      expect(log).to.deep.equal(['r', 's', 'let go of /1', 'let go of /2', 's', 'status over', 'events over']);
      expect(server.codes, 'a stop is no event').to.deep.equal([]);
    });
  });

  it('once is enough', () => {
    marbles((helpers) => {
      const { server, client, status$ } = stopping(
        helpers,
        mergeMap(() => NEVER),
        '-----|',
        { timeout: 50 },
      );
      play(client, concat(helpers.cold('a', { a: get('/') }), NEVER));
      helpers.clock.after(10, () => expect(server.server.stop({ timeout: 0 })).to.equal(server.server.stop()));
      helpers.expectObservable(status$).toBe('r----s 49ms (s|)', STATUS);
    });
  });

  it('leaves no timer behind', () => {
    marbles((helpers) => {
      stopping(
        helpers,
        map(() => 'a'),
        '-----|',
        { timeout: 600_000 },
      );
      helpers.clock.after(6, () => expect(helpers.scheduler.actions, 'what is still to come').to.deep.equal([]));
      helpers.flush();
    });
  });

  it('refuses a timeout that is none, and goes on', async () => {
    const stops = marbles((helpers) => {
      const server = new VirtualServer(
        helpers.clock,
        map(() => 'a'),
      );
      const client = server.connect();
      const rejected: Promise<unknown>[] = [];
      helpers.clock.after(1, () => {
        for (const timeout of [-1, NaN, 2_147_483_648, '5' as unknown as number]) {
          rejected.push(server.server.stop({ timeout }).then(String, (error: unknown) => error)); // what untyped callers say
        }
      });
      helpers.clock.after(2, () => client.send(get('/')));
      helpers.clock.after(3, () => {
        expect([server.server.status, client.text.slice(0, 15)]).to.deep.equal(['running', 'HTTP/1.1 200 OK']);
        client.reset();
      });
      helpers.flush();
      return rejected;
    });
    expect(stops).to.have.lengthOf(4);
    for (const error of await Promise.all(stops)) expect(error).to.be.instanceOf(OptionError).with.property('option', 'timeout');
  });
});

describe('a bind error', () => {
  it('is told once, and nothing else', () => {
    marbles(({ clock, flush }) => {
      // Told to whoever starts the server; `runServer` rejects with it.
      expect(() => {
        new VirtualServer(clock, () => NEVER, {}, Object.assign(new Error('taken'), { code: 'EADDRINUSE' }));
        flush();
      }).to.throw('taken');
    });
  });
});
