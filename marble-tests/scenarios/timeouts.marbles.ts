/** The server's patience: for a head, for a body, for the next request. */
import { map, merge, mergeMap } from 'rxjs';
import { asText, type Handler } from 'rx-http-kit';
import { get, marbles, post } from 'rx-http-kit/testing';

describe('timeouts', () => {
  // #region timeouts
  const hello: Handler = map(() => 'hello');

  const TOO_SLOW = '408 Request Timeout\nconnection: close';

  // also on the wire: spec/wire/scenarios.spec.ts
  it('refuses a head that does not come to its end', () => {
    marbles(({ network, expectHeads, expectClosed, expectEvents }) => {
      const sent = '  -g';
      const heads = ' 31s t';
      const closed = '31s e';
      const told = '  31s f';
      const server = network.server(hello);
      const client = server.client({ sends: sent, values: { g: 'GET / HTTP/1.1\r\nhost: te' } });
      expectHeads(client, 'connection').toBe(heads, { t: TOO_SLOW });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectEvents(server).toBe(told, { f: 'RHK_HEAD_TIMEOUT' });
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('closes a connection that idles, without a word', () => {
    marbles(({ network, expectReplies, expectClosed, expectConnections, expectEvents }) => {
      const sent = '   -g';
      const replies = '-r';
      const closed = ' 76s e';
      const open = '   o 75999ms n';
      const server = network.server(hello);
      const client = server.client({ sends: sent, values: { g: get('/') } });
      expectReplies(client).toBe(replies, { r: '200 hello' });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectEvents(server).toBe('');
    });
  });

  it('refuses a body that stops coming, and lets go of who reads it', () => {
    marbles(({ cold, network, expectHeads, expectClosed, expectEvents, expectSubscriptions }) => {
      const work$ = cold(' -');
      const sent = '      -p';
      const subscribed = '-^ 5998ms !';
      const heads = '     6s t';
      const closed = '    6s e';
      const told = '      6s f';
      const reading: Handler = (requests$) => merge(requests$.pipe(asText()), work$);
      const server = network.server(reading);
      const client = server.client({ sends: sent, values: { p: post('/', 'half a b', { 'content-length': 11 }) } });
      expectHeads(client, 'connection').toBe(heads, { t: TOO_SLOW });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectEvents(server).toBe(told, { f: 'RHK_BODY_TIMEOUT' });
      expectSubscriptions(work$.subscriptions).toBe(subscribed);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('takes its own time for no fault of the client', () => {
    marbles(({ cold, network, expectReplies, expectEvents, expectSubscriptions }) => {
      const work$ = cold(' 3m (r|)');
      const sent = '      -g';
      const subscribed = '-^ 179999ms !';
      const replies = '   - 3m r';
      const server = network.server(
        mergeMap(() => work$),
        { headTimeoutMs: 1_000, keepAliveTimeoutMs: 1_000, stallTimeoutMs: 1_000 },
      );
      const client = server.client({ sends: sent, values: { g: get('/') } });
      expectReplies(client).toBe(replies, { r: '200 r' });
      expectEvents(server).toBe('');
      expectSubscriptions(work$.subscriptions).toBe(subscribed);
    });
  });

  it('waits for who reads slowly, not for who has ceased to read', () => {
    marbles(({ cold, network, expectConnections, expectEvents, expectSubscriptions }) => {
      const reply$ = cold('r', { r: 'x'.repeat(200_000) });
      const sent = '      -g';
      const reads = '     50s 4k 50s 4k 50s 4k';
      const subscribed = '-^ 211998ms !';
      const open = '      o 211999ms n';
      const told = '      212s s';
      const server = network.server(mergeMap(() => reply$));
      server.client({ sends: sent, values: { g: get('/') }, reads });
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectEvents(server).toBe(told, { s: 'RHK_STALLED' });
      expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });
});
