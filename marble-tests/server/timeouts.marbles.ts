import { expect } from 'chai';
import { concat, interval, last, map, mergeMap, NEVER, type Observable, take, timer } from 'rxjs';
import { asText, type Handler, type ServerOptions } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import type { MemoryClient } from '#src/testing/memory-client.js';
import type { MemoryStreamOptions } from '#src/testing/memory-stream.js';
import { chunk, get, play, post, refusal, streamed, undated, VirtualServer, whole } from '../support/virtual-server.js';

/** A server with one client that is there from the first frame on. */
const withClient = (
  { clock }: MarbleHelpers,
  handler: Handler,
  options: Partial<ServerOptions> = {},
  stream?: MemoryStreamOptions,
): { server: VirtualServer; client: MemoryClient } => {
  const server = new VirtualServer(clock, handler, options);
  return { server, client: server.connect(stream) };
};

/** Without the end: a client, or a reply, that stays. */
const staying = <T>(source$: Observable<T>): Observable<T> => concat(source$, NEVER);

const hello: Handler = map(() => 'hello');
const echo: Handler = (requests$) => requests$.pipe(asText());
const answer = whole('hello');

describe('headTimeoutMs', () => {
  const late = refusal('408 Request Timeout', 'the request head came too slowly');

  it('ends a head that drips in, however steadily', () => {
    marbles((helpers) => {
      const { server, client } = withClient(helpers, hello);
      const drip = `${get('/').slice(0, -2)}x: ${'y'.repeat(1_000)}`;
      interval(500)
        .pipe(take(drip.length))
        .subscribe((index) => client.send(drip[index]));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('31s (r|)', { r: late });
      helpers.flush();
      expect(server.codes).to.deep.equal(['RHK_HEAD_TIMEOUT']);
    });
  });

  it('lets a head pass that comes in time', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, hello);
      play(client, helpers.cold('-a 29998ms b|', { a: 'GET / HTTP/1.1\r\n', b: 'host: x\r\n\r\n' }));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('30s r|', { r: answer });
    });
  });

  it('starts with the first byte of each head', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, hello);
      play(client, helpers.cold('20500ms a 19999ms b', { a: `${get('/')}GET`, b: ` / HTTP/1.1\r\nhost: x\r\n\r\nG` }));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('20500ms r 19999ms r 30499ms (t|)', { r: answer, t: late });
    });
  });

  it('does not count the time that an answer takes', () => {
    marbles((helpers) => {
      const slow: Handler = mergeMap(() => timer(60_500).pipe(map(() => 'hello')));
      const { client } = withClient(helpers, slow);
      play(client, helpers.cold('a', { a: `${get('/')}GET /` }).pipe(staying));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('60500ms r 30499ms (t|)', { r: answer, t: late });
    });
  });

  it('may be short, or none', () => {
    marbles((helpers) => {
      const short = withClient(helpers, hello, { headTimeoutMs: 1_000 }).client;
      const none = withClient(helpers, hello, { headTimeoutMs: Infinity, keepAliveTimeoutMs: 1_000 }).client;
      play(short, helpers.cold('a-', { a: 'G' }));
      play(none, helpers.cold('a 50m 500ms b', { a: 'G', b: get('/').slice(1) }));
      helpers.expectObservable(short.received$.pipe(map(undated))).toBe('2s (r|)', { r: late });
      helpers.expectObservable(none.received$.pipe(map(undated))).toBe('50m 501ms r 1498ms |', { r: answer });
    });
  });
});

describe('keepAliveTimeoutMs', () => {
  it('closes a connection on which nothing came, without a word', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, hello);
      helpers.expectObservable(client.received$).toBe('76s |');
    });
  });

  it('starts anew behind each answer', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, hello);
      play(client, helpers.cold('50500ms a 49999ms a', { a: get('/') }));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('50500ms r 49999ms r 75499ms |', { r: answer });
    });
  });

  it('is not moved by empty lines', () => {
    marbles((helpers) => {
      const { server, client } = withClient(helpers, hello);
      interval(1_000)
        .pipe(take(200))
        .subscribe(() => client.send('\r\n'));
      helpers.expectObservable(client.received$).toBe('76s |');
      helpers.flush();
      expect(server.codes).to.deep.equal([]);
    });
  });

  it('does not run while a request is answered', () => {
    marbles((helpers) => {
      const { client } = withClient(
        helpers,
        mergeMap(() => timer(600_500).pipe(map(() => 'hello'))),
      );
      play(client, helpers.cold('a', { a: get('/') }).pipe(staying));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('10m 500ms r 75499ms |', { r: answer });
    });
  });

  it('drops a client that does not take the hint, after 5 s', () => {
    marbles((helpers) => {
      const { server } = withClient(helpers, hello);
      const [stream] = server.acceptor.streams;
      const destroyed: number[] = [];
      interval(1_000)
        .pipe(take(100))
        .subscribe(() => {
          if (stream.destroyed && destroyed.length === 0) destroyed.push(helpers.clock.frame);
        });
      helpers.flush();
      expect(destroyed[0]).to.be.within(80_000, 82_000);
    });
  });
});

describe('bodyMinBytesPerSecond', () => {
  const slow = { t: 'HTTP/1.1 408 Request Timeout' };
  const status = map((text: string) => text.split('\r\n')[0]);

  it('ends a body that drips in', () => {
    marbles((helpers) => {
      const { server, client } = withClient(helpers, echo);
      client.send(post(1_000));
      interval(1_000)
        .pipe(take(500))
        .subscribe(() => client.send('x'));
      helpers.expectObservable(client.received$.pipe(status)).toBe('6s (t|)', slow);
      helpers.flush();
      expect(server.codes).to.deep.equal(['RHK_BODY_TIMEOUT']);
    });
  });

  it('is an average: a fast start pays for a slow end', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, echo);
      client.send(post(5_000) + 'x'.repeat(2_400)); // ten seconds' worth
      interval(1_000)
        .pipe(take(500))
        .subscribe(() => client.send('x'));
      helpers.expectObservable(client.received$.pipe(status)).toBe('16s (t|)', slow);
    });
  });

  it('lets a steady body pass', () => {
    marbles((helpers) => {
      const { client } = withClient(
        helpers,
        mergeMap(({ body$ }) => body$.pipe(map(String), last())),
      );
      client.send(post(24_000));
      interval(1_000)
        .pipe(take(100))
        .subscribe(() => client.send('x'.repeat(240)));
      helpers.expectObservable(client.received$.pipe(take(1), map(undated))).toBe('100s (r|)', { r: whole('x'.repeat(240)) });
    });
  });

  it('blames nobody while the handler does not read', () => {
    marbles((helpers) => {
      const late: Handler = mergeMap(({ body$ }) => timer(60_000).pipe(mergeMap(() => body$.pipe(map(String)))));
      const { client } = withClient(helpers, late);
      client.send(post(2));
      helpers.clock.after(60_500, () => client.send('xy'));
      helpers.expectObservable(client.received$.pipe(take(1), map(undated))).toBe('60500ms (r|)', { r: whole('xy') });
    });
  });

  it('of 0 lets a body take its time', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, echo, { bodyMinBytesPerSecond: 0 });
      client.send(post(1));
      helpers.clock.after(1_800_000, () => client.send('x'));
      helpers.expectObservable(client.received$.pipe(take(1), map(undated))).toBe('30m (r|)', { r: whole('x') });
    });
  });

  it('holds for a rest that nobody wants', () => {
    marbles((helpers) => {
      const { client } = withClient(helpers, hello);
      play(client, helpers.cold('-a', { a: post(1_000) }).pipe(staying));
      interval(1_000)
        .pipe(take(500))
        .subscribe(() => client.send('x'));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('-r 5998ms |', { r: answer });
    });
  });
});

describe('halfCloseTimeoutMs', () => {
  it('is how long a client that has sent FIN may wait for its answer to begin', () => {
    marbles((helpers) => {
      const never$ = helpers.cold<string>('-');
      const { client } = withClient(
        helpers,
        mergeMap(() => never$),
        { halfCloseTimeoutMs: 30_000 },
      );
      play(client, helpers.cold('a 499ms |', { a: get('/') }));
      helpers.expectObservable(client.received$).toBe('31s |');
      helpers.expectSubscriptions(never$.subscriptions).toBe('^ 30999ms !');
    });
  });

  it('does not hold for a client that has not', () => {
    marbles((helpers) => {
      const { client } = withClient(
        helpers,
        mergeMap(() => timer(1_800_000).pipe(map(() => 'hello'))),
      );
      client.send(get('/'));
      helpers.expectObservable(client.received$.pipe(take(1), map(undated))).toBe('30m (r|)', { r: answer });
    });
  });

  it('lets go of a stream that is silent behind the FIN, and of none that is not', () => {
    marbles((helpers) => {
      const lively$ = interval(900).pipe(take(20), map(String));
      const silent$ = helpers.cold('a 4999ms b 4999ms c');
      const { server, client } = withClient(
        helpers,
        mergeMap(({ uri }) => (uri === '/lively' ? lively$ : silent$)),
      );
      const other = server.connect();
      play(client, helpers.cold('a 99ms |', { a: get('/silent') }));
      play(other, helpers.cold('a 99ms |', { a: get('/lively') }));
      helpers.expectSubscriptions(silent$.subscriptions).toBe('^ 1999ms !');
      helpers.flush();
      expect(other.text).to.match(/19\r\n0\r\n\r\n$/);
    });
  });
});

describe('stallTimeoutMs', () => {
  it('cuts a client that takes nothing, and lets go of its handler', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('a', { a: 'x'.repeat(100_000) }).pipe(staying);
      const { server, client } = withClient(
        helpers,
        mergeMap(() => reply$),
        {},
        { credit: 1_000 },
      );
      client.send(get('/'));
      const [stream] = server.acceptor.streams;
      const open: boolean[] = [];
      for (const at of [61_500, 62_500]) helpers.clock.after(at, () => open.push(!stream.destroyed));
      helpers.flush();
      expect(open).to.deep.equal([true, false]);
      expect(server.codes).to.deep.equal(['RHK_STALLED']);
    });
  });

  it('lets a client take its time that takes something', () => {
    marbles((helpers) => {
      const { server, client } = withClient(
        helpers,
        map(() => 'x'.repeat(100_000)),
        {},
        { credit: 1_000 },
      );
      client.send(get('/'));
      const [stream] = server.acceptor.streams;
      interval(50_000)
        .pipe(take(20))
        .subscribe(() => client.take(1_000));
      const open: boolean[] = [];
      helpers.clock.after(1_000_000, () => open.push(!stream.destroyed));
      helpers.clock.after(1_000_001, () => client.reset());
      helpers.flush();
      expect(open).to.deep.equal([true]);
      expect(server.codes).to.deep.equal([]);
    });
  });

  it('does not count while nothing waits', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('a 10m b 10m (c|)');
      const { server, client } = withClient(
        helpers,
        mergeMap(() => reply$),
      );
      client.send(get('/'));
      helpers.expectObservable(client.received$.pipe(take(3), map(undated))).toBe('a 10m b 10m (c|)', {
        a: streamed('a'),
        b: chunk('b'),
        c: `${chunk('c')}0\r\n\r\n`,
      });
      helpers.flush();
      expect(server.codes).to.deep.equal([]);
    });
  });
});
