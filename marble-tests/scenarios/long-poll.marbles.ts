/** One answer that waits for its event: as-channel without a WebSocket. */
import { map, mergeMap, of, race, Subject, timer } from 'rxjs';
import { asChannel, type Handler } from 'rx-http-kit';
import { get, marbles } from 'rx-http-kit/testing';

describe('long polling', () => {
  // #region long-poll
  // also on the wire: spec/wire/scenarios.spec.ts
  it('answers with the next event, or with 204 when its time is over', () => {
    marbles(({ hot, network, expectReplies, expectSubscriptions }) => {
      const events$ = hot('--x---------- 30s y');
      const sent = '       p---p';
      const polledOnce = ' ^-!';
      const polledTwice = '----^ 29999ms !';
      const replies = '    --x- 30s n';
      const poll: Handler = asChannel((channel) => {
        const late$ = timer(30_000).pipe(map(() => ({ status: 204 })));
        return race(events$, late$).subscribe((reply) => channel.send(reply));
      });
      const client = network.server(poll).client({ sends: sent, values: { p: get('/') } });
      expectReplies(client).toBe(replies, { x: '200 x', n: '204 ' });
      expectSubscriptions(events$.subscriptions).toBe([polledOnce, polledTwice]);
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('lets go of its feed when the client leaves, also when it only closes its half', () => {
    marbles(({ cold, network, expectReplies, expectObservable, expectSubscriptions }) => {
      const feed$ = cold('-');
      const sentA = '    -p---#';
      const sentB = '    --p---|';
      const polledA = '  -^---!';
      const polledB = '  --^---!';
      const ends = '     -----ce';
      const ended$ = new Subject<string>();
      const poll: Handler = asChannel((channel) => {
        channel.onClose(({ status }) => ended$.next(`${channel.request.uri} ${status}`));
        return feed$.subscribe(channel);
      });
      const server = network.server(poll);
      expectObservable(ended$).toBe(ends, { c: '/a client-close', e: '/b client-close' });
      expectReplies(server.client({ sends: sentA, values: { p: get('/a') } })).toBe('');
      expectReplies(server.client({ sends: sentB, values: { p: get('/b') } })).toBe('');
      expectSubscriptions(feed$.subscriptions).toBe([polledA, polledB]);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('tells one event to all that wait', () => {
    marbles(({ hot, network, expectReplies, expectSubscriptions }) => {
      const events$ = hot(' -----x---y');
      const sentA = '       p';
      const sentB = '       --p---p';
      const polledA = '     ^----!';
      const polledB = '     --^--!';
      const polledBAgain = '------^--!';
      const repliesA = '    -----x';
      const repliesB = '    -----x---y';
      const server = network.server(asChannel((channel) => events$.subscribe((event) => channel.send(event))));
      expectReplies(server.client({ sends: sentA, values: { p: get('/') } })).toBe(repliesA, { x: '200 x' });
      expectReplies(server.client({ sends: sentB, values: { p: get('/') } })).toBe(repliesB, { x: '200 x', y: '200 y' });
      expectSubscriptions(events$.subscriptions).toBe([polledA, polledB, polledBAgain]);
    });
  });

  it('waits for ten minutes where nothing else says so: no deadline of the server ends it', () => {
    marbles(({ cold, network, expectReplies, expectEvents, expectSubscriptions }) => {
      const event$ = cold('10m (x|)');
      const sent = '       p';
      const polled = '     ^ 599999ms !';
      const replies = '    10m x';
      const server = network.server(mergeMap(() => event$));
      expectReplies(server.client({ sends: sent, values: { p: get('/') } })).toBe(replies, { x: '200 x' });
      expectEvents(server).toBe('');
      expectSubscriptions(event$.subscriptions).toBe(polled);
    });
  });

  it('needs no channel: a handler that answers later is a long poll', () => {
    marbles(({ cold, network, expectReplies, expectSubscriptions }) => {
      const event$ = cold('5s (x|)');
      const sent = '      -p';
      const polled = '    -^ 4999ms !';
      const replies = '   - 5s x';
      const handler: Handler = mergeMap(() => race(event$, timer(30_000).pipe(mergeMap(() => of({ status: 204 })))));
      expectReplies(network.server(handler).client({ sends: sent, values: { p: get('/') } })).toBe(replies, { x: '200 x' });
      expectSubscriptions(event$.subscriptions).toBe(polled);
    });
  });
});
