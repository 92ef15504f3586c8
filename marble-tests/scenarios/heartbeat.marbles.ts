/** Peers that are silent, and peers that are dead: only a ping can tell. Deadlines are met on a tick, one a second. */
import { map, NEVER, Subject } from 'rxjs';
import { asChannel, type ChannelClose, websocket } from 'rx-http-kit';
import { get, marbles, ping, pong, text, upgrade } from 'rx-http-kit/testing';

describe('a heartbeat', () => {
  // #region heartbeat
  // also on the wire: spec/wire/scenarios.spec.ts
  it('closes a peer that vanished without a word, and lets go of its feed', () => {
    marbles(({ cold, network, expectFrames, expectClosed, expectConnections, expectSubscriptions }) => {
      const feed$ = cold(' a-b');
      const sent = '      -u';
      const vanishes = '  5s x';
      const subscribed = '-^ 60998ms !';
      const open = '      o 60999ms n';
      const server = network.server(websocket(() => feed$));
      const client = server.client({ sends: sent, values: { u: upgrade('/') }, vanishes });
      expectFrames(client).toBe('-a-b');
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectClosed(client).toBe('');
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('pings a silent client, whose pong keeps it: for ten minutes', () => {
    marbles(
      ({ cold, network, expectFrames, expectConnections, expectSubscriptions }) => {
        const feed$ = cold('-');
        const subscribed = '^';
        const open = '      o';
        const server = network.server(websocket(() => feed$));
        const client = server.client({ sends: 'u', values: { u: upgrade('/') } });
        expectFrames(client).toBe(`31s p${' 30999ms p'.repeat(18)}`, { p: 'ping' });
        expectConnections(server).toBe(open, { o: 1 });
        expectSubscriptions(feed$.subscriptions).toBe(subscribed);
      },
      { horizonMs: 600_000 },
    );
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('does not ping a client that talks', () => {
    marbles(
      ({ network, expectFrames }) => {
        const server = network.server(websocket(map((message) => message)));
        const client = server.client({ sends: `u${' 19999ms m'.repeat(10)}`, values: { u: upgrade('/'), m: text('here') } });
        expectFrames(client).toBe(`-${' 19999ms m'.repeat(10)}`, { m: 'here' });
      },
      { horizonMs: 205_000 },
    );
  });

  it('is closed 1006 for the application, once', () => {
    marbles(({ network, expectObservable, expectFrames }) => {
      const vanishes = '10s x';
      const server = network.server(asChannel((channel) => channel.onClose((close) => ended.next(close)), { heartbeatMs: 10_000 }));
      const ended = new Subject<ChannelClose>();
      const client = server.client({ sends: 'u', values: { u: upgrade('/') }, vanishes });
      expectFrames(client).toBe('');
      expectObservable(ended).toBe('21s c', { c: { status: 'unknown', code: 1006, reason: '', by: 'client' } });
    });
  });

  it('is told from a client that is slow: while octets wait, the stall deadline counts', () => {
    marbles(({ cold, network, expectFrames, expectEvents, expectSubscriptions }) => {
      const feed$ = cold('m', { m: 'x'.repeat(200_000) });
      const subscribed = '^ 61999ms !';
      const told = '      62s s';
      const server = network.server(websocket(() => feed$, { heartbeatMs: 10_000 }));
      const client = server.client({ sends: 'u', values: { u: upgrade('/') }, reads: '1k' });
      expectFrames(client).toBe('62s |');
      expectEvents(server).toBe(told, { s: 'RHK_STALLED' });
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });

  it('is not there on HTTP: what a stream sends finds out who is gone, once 64 KiB of it are under way', () => {
    marbles(({ cold, network, expectConnections, expectEvents, expectSubscriptions }) => {
      const feed$ = cold(`a${' 999ms a'.repeat(100)}`, { a: 'x'.repeat(8_192) });
      const vanishes = '  10s 500ms x';
      const subscribed = '^ 79999ms !';
      const open = '      o 79999ms n';
      const told = '      80s s';
      const server = network.server(asChannel((channel) => feed$.subscribe(channel)));
      server.client({ sends: 'g', values: { g: get('/') }, vanishes });
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectEvents(server).toBe(told, { s: 'RHK_STALLED' });
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });

  it('may be the client’s: its pings are answered, and count as life', () => {
    marbles(
      ({ network, expectFrames }) => {
        const server = network.server(websocket(() => NEVER, { heartbeatMs: 10_000 }));
        const client = server.client({ sends: `u${' 8999ms p'.repeat(5)}`, values: { u: upgrade('/'), p: ping('me') } });
        expectFrames(client).toBe(`-${' 8999ms p'.repeat(5)}`, { p: 'pong me' });
      },
      { horizonMs: 46_000 },
    );
  });

  it('does not take an unasked pong for anything else than life', () => {
    marbles(
      ({ network, expectFrames }) => {
        const server = network.server(websocket(() => NEVER, { heartbeatMs: 10_000 }));
        const client = server.client({ sends: `u${' 8999ms p'.repeat(5)}`, values: { u: upgrade('/'), p: pong() } });
        expectFrames(client).toBe('');
      },
      { horizonMs: 46_000 },
    );
  });
});
