import { expect } from 'chai';
import { finalize, map, merge, mergeMap } from 'rxjs';
import { asText, type Handler, OptionError, type StopOptions } from 'rx-http-kit';
import { get, marbles, type MarbleHelpers, post, type VirtualServer } from 'rx-http-kit/testing';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import { optionsFrom } from '#src/server/options.js';
import { startServer } from '#src/server/run-server.js';
import { byPath } from '../support/by-path.js';
import { chunk, CLOSE, streamed, whole } from '../support/octets.js';

/** A server that is told to stop at the marble of a diagram. */
const stopping = ({ network, at }: MarbleHelpers, handler: Handler, stop: string, options?: StopOptions): VirtualServer => {
  const server = network.server(handler);
  at(stop, () => void server.stop(options));
  return server;
};

const hello: Handler = map(() => 'a');

// Of a status diagram.
const STATUS = { r: 'running', s: 'stopping', x: 'stopped' };

describe('stop', () => {
  it('closes idle connections at once', () => {
    marbles((helpers) => {
      const sent = '    -a';
      const stop = '    -----s';
      const expected = '-a---|';
      const status = '  r----(sx|)';
      const server = stopping(helpers, hello, stop);
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectBytes(client).toBe(expected, { a: whole('a') });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('lets a reply that runs finish, and says that it is the last', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('-------(b|)');
      const never$ = helpers.cold('-');
      const sent = '              -a';
      const stop = '              -----s';
      const subscribed = '        -^------!';
      const expected = '          --------(b|)';
      const status = '            r----s--(x|)';
      const server = stopping(helpers, byPath({ '/': reply$, '/never': never$ }), stop);
      const client = server.client({ sends: sent, values: { a: Buffer.concat([get('/'), get('/never')]) } });
      helpers.expectBytes(client).toBe(expected, { b: whole('b', CLOSE) });
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
      helpers.expectSubscriptions(never$.subscriptions).toBe([]);
    });
  });

  it('cuts a reply that does not, when its time is over', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('500ms (b|)');
      const sent = '              -a';
      const stop = '              -----s';
      const subscribed = '        -^ 103ms !';
      const expected = '          ----- 100ms |';
      const status = '            r----s 99ms (x|)';
      const server = stopping(
        helpers,
        mergeMap(() => reply$),
        stop,
      );
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectBytes(client).toBe(expected);
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('cuts an endless stream, with its client told', () => {
    marbles((helpers) => {
      const ticks$ = helpers.cold('40ms x 39ms x 39ms x 39ms x');
      const sent = '               a';
      const stop = '               ---------- s';
      const subscribed = '         ^--------- 100ms !';
      const expected = '           40ms a 39ms b 29ms |';
      const status = '             r--------- s 99ms (x|)';
      const server = stopping(
        helpers,
        mergeMap(() => ticks$),
        stop,
        { timeout: 100 },
      );
      const client = server.client({ sends: sent, values: { a: get('/') } });
      const begun = streamed('x').replace('\r\n\r\n', `\r\n${CLOSE}\r\n`);
      helpers.expectBytes(client).toBe(expected, { a: begun, b: chunk('x') });
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(ticks$.subscriptions).toBe(subscribed);
    });
  });

  it('lets a head that has begun be finished and answered, within its time', () => {
    marbles((helpers) => {
      const sent = '    -a------b';
      const stop = '    -----s';
      const expected = '--------(r|)';
      const status = '  r----s--(x|)';
      const server = stopping(helpers, hello, stop);
      const client = server.client({ sends: sent, values: { a: 'GET / HTT', b: 'P/1.1\r\nhost: x\r\n\r\n' } });
      helpers.expectBytes(client).toBe(expected, { r: whole('a', CLOSE) });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('cuts a head that is not', () => {
    marbles((helpers) => {
      const sent = '    -a';
      const stop = '    -----s';
      const expected = '----- 100ms |';
      const status = '  r----s 99ms (x|)';
      const server = stopping(helpers, hello, stop);
      const client = server.client({ sends: sent, values: { a: 'GET / HTT' } });
      helpers.expectBytes(client).toBe(expected);
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('lets a body that comes be read and answered, within its time', () => {
    marbles((helpers) => {
      const sent = '    -a------b';
      const stop = '    -----s';
      const expected = '--------(r|)';
      const status = '  r----s--(x|)';
      const server = stopping(helpers, asText(), stop);
      const client = server.client({ sends: sent, values: { a: post('/', '', { 'content-length': 4 }), b: 'body' } });
      helpers.expectBytes(client).toBe(expected, { r: whole('body', CLOSE) });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('cuts a body that does not, and unsubscribes from what waits for it', () => {
    marbles((helpers) => {
      const sent = '             -a';
      const stop = '             -----s';
      const subscribed = '       -^ 103ms !';
      const expected = '         ----- 100ms |';
      const status = '           r----s 99ms (x|)';
      const read$ = helpers.cold('-'); // subscribed and let go together with the body
      const handler: Handler = (requests$) => merge(requests$.pipe(asText()), read$);
      const server = stopping(helpers, handler, stop);
      const client = server.client({ sends: sent, values: { a: post('/', 'bo', { 'content-length': 4 }) } });
      helpers.expectBytes(client).toBe(expected);
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(read$.subscriptions).toBe(subscribed);
    });
  });

  it('does not wait for a client that has its answer and stays', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('----(b|)');
      const sent = '               a';
      const stop = '               --s';
      const expected = '           ----(b|)';
      const status = '             r-s 99ms (x|)';
      const server = stopping(
        helpers,
        mergeMap(() => reply$),
        stop,
      );
      const client = server.client({ sends: sent, values: { a: get('/') }, isPolite: false });
      helpers.expectBytes(client).toBe(expected, { b: whole('b', CLOSE) });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('at once, with a timeout of 0', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('------(b|)');
      const sent = '              -a';
      const stop = '              -----s';
      const subscribed = '        -^---!';
      const expected = '          -----|';
      const status = '            r----(sx|)';
      const server = stopping(
        helpers,
        mergeMap(() => reply$),
        stop,
        { timeout: 0 },
      );
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectBytes(client).toBe(expected);
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('never by force, with a timeout of Infinity', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('10m (b|)');
      const sent = '               a';
      const stop = '               -s';
      const expected = '           10m (b|)';
      const status = '             rs 599998ms (x|)';
      const server = stopping(
        helpers,
        mergeMap(() => reply$),
        stop,
        { timeout: Infinity },
      );
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectBytes(client).toBe(expected, { b: whole('b', CLOSE) });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('accepts nobody any more', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('50ms (b|)');
      const sent = '               a';
      const stop = '               -s';
      const connects = '           10ms c';
      const late = '               20ms a';
      const closed = '             10ms r';
      const server = stopping(
        helpers,
        mergeMap(() => reply$),
        stop,
      );
      server.client({ sends: sent, values: { a: get('/') } });
      const client = server.client({ connects, sends: late, values: { a: get('/') } });
      helpers.expectBytes(client).toBe('10ms #');
      helpers.expectClosed(client).toBe(closed, { r: 'reset' });
    });
  });

  it('is over when every finalizer has run, and tells everybody', () => {
    const log: string[] = [];
    marbles((helpers) => {
      const { cold, expectEvents, expectStatus, expectSubscriptions } = helpers;
      const reply$ = cold('a');
      const sent = '      -a';
      const stop = '      -----s';
      const subscribed = '-^ 13ms !';
      const status = '    r----s 9ms (x|)';
      const handler: Handler = mergeMap(({ uri }) => reply$.pipe(finalize(() => log.push(`let go of ${uri}`))));
      const server = stopping(helpers, handler, stop, { timeout: 10 });
      for (const uri of ['/1', '/2']) server.client({ sends: sent, values: { a: get(uri) } });
      server.status$.subscribe({ next: (word) => log.push(word), complete: () => log.push('status over') });
      server.events$.subscribe({ complete: () => log.push('events over') });
      expectStatus(server).toBe(status, STATUS);
      expectEvents(server).toBe('15ms |'); // a stop is no event
      expectSubscriptions(reply$.subscriptions).toBe([subscribed, subscribed]);
    });
    expect(log).to.deep.equal(['running', 'stopping', 'let go of /1', 'let go of /2', 'stopped', 'status over', 'events over']);
  });

  it('once is enough', () => {
    marbles((helpers) => {
      const never$ = helpers.cold('-');
      const sent = '               a';
      const stop = '               -----s';
      const again = '              ---------- s';
      const subscribed = '         ^---- 50ms !';
      const status = '             r----s 49ms (x|)';
      const server = stopping(
        helpers,
        mergeMap(() => never$),
        stop,
        { timeout: 50 },
      );
      server.client({ sends: sent, values: { a: get('/') } });
      helpers.at(again, () => expect(server.stop({ timeout: 0 })).to.equal(server.stop()));
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.expectSubscriptions(never$.subscriptions).toBe(subscribed);
    });
  });

  it('leaves no timer behind', () => {
    marbles((helpers) => {
      const stop = '-----s-';
      const look = '------l';
      const server = stopping(helpers, hello, stop, { timeout: 600_000 });
      server.client();
      helpers.at(look, () => expect(helpers.scheduler.actions, 'what is still to come').to.deep.equal([]));
    });
  });

  it('leaves a client that has said nothing its time to ask', () => {
    marbles((helpers) => {
      const stop = '    -s';
      const sent = '    --- 400ms a-|';
      const expected = '--- 400ms r';
      const closed = '  --- 400ms e';
      const status = '  rs- 400ms (x|)';
      const server = stopping(helpers, hello, stop, { timeout: 5_000, firstRequestMs: 1_000 });
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectReplies(client).toBe(expected, { r: '200 a' });
      helpers.expectClosed(client).toBe(closed, { e: 'end' });
      helpers.expectStatus(server).toBe(status, STATUS);
    });
  });

  it('refuses a timeout that is none, and goes on', async () => {
    const stops = marbles((helpers) => {
      const stop = '    -s';
      const sent = '    --a--|';
      const expected = '--r';
      const status = '  r';
      const rejected: Promise<unknown>[] = [];
      const server = helpers.network.server(hello);
      helpers.at(stop, () => {
        for (const timeout of [-1, NaN, 2_147_483_648, '5' as unknown as number]) {
          rejected.push(server.stop({ timeout }).then(String, (error: unknown) => error)); // what untyped callers say
        }
      });
      const client = server.client({ sends: sent, values: { a: get('/') } });
      helpers.expectReplies(client).toBe(expected, { r: '200 a' });
      helpers.expectStatus(server).toBe(status, STATUS);
      helpers.at(stop, () => {
        rejected.push(server.stop({ firstRequestMs: -1 }).then(String, (error: unknown) => error));
      });
      helpers.flush();
      return rejected;
    });
    const options = (await Promise.all(stops)).map((error) => error instanceof OptionError && error.option);
    expect(options).to.deep.equal(['timeout', 'timeout', 'timeout', 'timeout', 'firstRequestMs']);
  });
});

describe('a bind error', () => {
  it('is told once, and nothing else', () => {
    marbles(({ clock, cold, expectObservable }) => {
      // Told to whoever starts the server; `runServer` rejects with it.
      const acceptor = new MemoryAcceptor(clock, Object.assign(new Error('taken'), { code: 'EADDRINUSE' }));
      const told: unknown[] = [];
      startServer(
        hello,
        optionsFrom({}),
        { acceptor, clock },
        () => told.push('listening'),
        (error) => told.push(error),
      );
      expectObservable(cold('-(t|)').pipe(map(() => told.map(String)))).toBe('-(t|)', { t: ['Error: taken'] });
    });
  });
});
