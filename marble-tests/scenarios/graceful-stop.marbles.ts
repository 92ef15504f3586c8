/** A server that stops: who is let go at once, who may finish, who is cut. */
import { mergeMap, of, race, skip, takeUntil, timer } from 'rxjs';
import { asChannel, draining, type Handler, websocket } from 'rx-http-kit';
import { get, marbles, upgrade } from 'rx-http-kit/testing';

describe('a graceful stop', () => {
  // #region graceful-stop
  const STATUS = { r: 'running', s: 'stopping', x: 'stopped' };

  // also on the wire: spec/wire/scenarios.spec.ts
  it('lets what runs finish, and answers nothing behind it', () => {
    marbles(({ at, cold, network, expectHeads, expectReply, expectClosed, expectStatus, expectSubscriptions }) => {
      const reply$ = cold('------(r|)');
      const sent = '      -(ab)';
      const stop = '      ---s';
      const served = '    -^-----!';
      const heads = '     -------r';
      const received = '  -------(r|)';
      const closed = '    -------e';
      const status = '    r--s---(x|)';
      const server = network.server(mergeMap(() => reply$));
      const client = server.client({ sends: sent, values: { a: get('/a'), b: get('/b') } });
      at(stop, () => void server.stop());
      expectHeads(client, 'connection').toBe(heads, { r: '200 OK\nconnection: close' });
      expectReply(client).toBe(received);
      expectClosed(client).toBe(closed, { e: 'end' });
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(reply$.subscriptions).toBe(served);
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('closes who idles at once', () => {
    marbles(({ at, network, expectClosed, expectStatus }) => {
      const sent = '  -g';
      const stop = '  ---s';
      const closed = '---e';
      const status = 'r--(sx|)';
      const server = network.server(mergeMap(() => ['hello']));
      const client = server.client({ sends: sent, values: { g: get('/') } });
      at(stop, () => void server.stop());
      expectClosed(client).toBe(closed, { e: 'end' });
      expectStatus(server).toBe(status, STATUS);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('tells WebSockets that it goes away', () => {
    marbles(({ at, cold, network, expectFrames, expectClosed, expectStatus, expectSubscriptions }) => {
      const feed$ = cold(' -a---b');
      const sent = '      -u';
      const stop = '      ----s';
      const subscribed = '-^--!';
      const frames = '    --a-(c|)';
      const closed = '    ----c';
      const status = '    r---(sx|)';
      const server = network.server(websocket(() => feed$));
      const client = server.client({ sends: sent, values: { u: upgrade('/') } });
      at(stop, () => void server.stop());
      expectFrames(client).toBe(frames, { a: 'a', c: 'close 1001' });
      expectClosed(client).toBe(closed, { c: 1001 });
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('cuts a stream without an end when the time is over', () => {
    marbles(({ at, cold, network, expectReply, expectStatus, expectSubscriptions }) => {
      const ticks$ = cold('--a--b--c--d--e');
      const sent = '      -g';
      const stop = '      -----s';
      const subscribed = '-^--------!';
      const received = '  ---a--b--c#';
      const status = '    r----s----(x|)';
      const server = network.server(mergeMap(() => ticks$));
      const client = server.client({ sends: sent, values: { g: get('/') } });
      at(stop, () => void server.stop({ timeout: 5 }));
      expectReply(client).toBe(received);
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(ticks$.subscriptions).toBe(subscribed);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('ends a stream that listens for it, whole', () => {
    marbles(({ at, cold, network, expectReply, expectStatus, expectSubscriptions }) => {
      const ticks$ = cold('--a--b--c--d--e');
      const sent = '      -g';
      const stop = '      -------s';
      const subscribed = '-^-----!';
      const received = '  ---a--b|';
      const status = '    r------(sx|)';
      const server = network.server(mergeMap((request) => ticks$.pipe(takeUntil(draining(request)))));
      const client = server.client({ sends: sent, values: { g: get('/') } });
      at(stop, () => void server.stop());
      expectReply(client).toBe(received);
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(ticks$.subscriptions).toBe(subscribed);
    });
  });

  it('answers a long poll before it would be cut', () => {
    marbles(({ at, cold, network, expectReplies, expectStatus, expectSubscriptions }) => {
      const event$ = cold('-');
      const sent = '      -g';
      const stop = '      -----s';
      const polled = '    -^ 93ms !';
      const replies = '   ----- 90ms n';
      const status = '    r----s 89ms (x|)';
      const poll: Handler = asChannel((channel, request) => {
        const late$ = draining(request).pipe(mergeMap((withinMs) => timer(withinMs - 10)));
        return race(event$, late$).subscribe(() => channel.send({ status: 204 }));
      });
      const server = network.server(poll);
      const client = server.client({ sends: sent, values: { g: get('/') } });
      at(stop, () => void server.stop({ timeout: 100 }));
      expectReplies(client).toBe(replies, { n: '204 ' });
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(event$.subscriptions).toBe(polled);
    });
  });

  it('does all of it at the same time', () => {
    marbles(({ at, cold, network, expectClosed, expectObservable, expectStatus, expectSubscriptions }) => {
      const work$ = cold('   ---------(r|)');
      const feed$ = cold('   -a-a-a-a-a-a-a-a-a-a-a');
      const sent = '        -m';
      const stop = '        -----s';
      const worked = '      -^--------!';
      const fedStream = '   -^-------------!';
      const fedSocket = '   -^---!';
      const closedIdle = '  -----e';
      const closedSocket = '-----c';
      const closedWork = '  ----------e';
      const closedStream = '---------------e';
      const open = '        -----(32)-1----0';
      const status = '      r----s---------(x|)';
      const feed: Handler = asChannel((channel) => feed$.subscribe(channel));
      const handler: Handler = (requests$) => requests$.pipe(mergeMap((request) => (request.uri === '/work' ? work$ : feed(of(request)))));
      const server = network.server(handler);
      const idle = server.client();
      const working = server.client({ sends: sent, values: { m: get('/work') } });
      const streaming = server.client({ sends: sent, values: { m: get('/feed') } });
      const listening = server.client({ sends: sent, values: { m: upgrade('/feed') } });
      at(stop, () => void server.stop({ timeout: 10 }));
      expectClosed(idle).toBe(closedIdle, { e: 'end' });
      expectClosed(listening).toBe(closedSocket, { c: 1001 });
      expectClosed(working).toBe(closedWork, { e: 'end' });
      expectClosed(streaming).toBe(closedStream, { e: 'end' });
      expectObservable(server.connections$.pipe(skip(4))).toBe(open, { 0: 0, 1: 1, 2: 2, 3: 3 }); // behind the four that came
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(work$.subscriptions).toBe(worked);
      expectSubscriptions(feed$.subscriptions).toBe([fedStream, fedSocket]);
    });
  });

  it('waits as long as it takes, where it is told to', () => {
    marbles(({ at, cold, network, expectReplies, expectStatus, expectSubscriptions }) => {
      const work$ = cold('10m (r|)');
      const sent = '      g';
      const stop = '      -s';
      const worked = '    ^ 599999ms !';
      const replies = '   10m r';
      const status = '    rs 599998ms (x|)';
      const server = network.server(mergeMap(() => work$));
      const client = server.client({ sends: sent, values: { g: get('/') } });
      at(stop, () => void server.stop({ timeout: Infinity }));
      expectReplies(client).toBe(replies, { r: '200 r' });
      expectStatus(server).toBe(status, STATUS);
      expectSubscriptions(work$.subscriptions).toBe(worked);
    });
  });
});
