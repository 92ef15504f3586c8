/** Clients that take less than they are sent. The sockets here hold 64 KiB before they ask the server to wait. */
import { map, mergeMap, reduce, Subject } from 'rxjs';
import { type BodyPiece, conflate, stream, websocket } from 'rx-http-kit';
import { get, marbles, post, upgrade } from 'rx-http-kit/testing';

const KIB = 1_024;
const piece = 'x'.repeat(32 * KIB);

describe('slow readers', () => {
  // #region slow-readers
  it('are sent no more than they take: a generator waits', () => {
    marbles(({ network, expectObservable }) => {
      const reads = '------66k---66k---*';
      const made = ' -1-----2-----3-----456789';
      const made$ = new Subject<string>();
      const generate = function* (): Generator<string> {
        for (let n = 1; n <= 9; n++) {
          made$.next(String(n));
          yield 'x'.repeat(65_536);
        }
      };
      const server = network.server(map(() => ({ body: generate() })));
      server.client({ sends: '-g', values: { g: get('/') }, reads });
      expectObservable(made$).toBe(made);
    });
  });
  // #endregion

  // also on the wire: spec/wire/scenarios.spec.ts
  it('of an HTTP stream are cut when more waits than may, and the source is let go', () => {
    marbles(({ cold, network, expectClosed, expectEvents, expectSubscriptions }) => {
      const feed$ = cold(' -aaaaaaaa', { a: piece });
      const sent = '      -g';
      const reads = '     -';
      const subscribed = '-^----!';
      const closed = '    ------r';
      const told = '      ------s';
      const server = network.server(
        mergeMap(() => feed$),
        { maxBufferedBytes: 128 * KIB },
      );
      const client = server.client({ sends: sent, values: { g: get('/') }, reads });
      expectClosed(client).toBe(closed, { r: 'reset' });
      expectEvents(server).toBe(told, { s: 'RHK_SLOW_CLIENT' });
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('of a WebSocket are closed with 1013, and a fast one beside them loses nothing', () => {
    marbles(({ cold, network, expectFrames, expectClosed, expectEvents, expectSubscriptions }) => {
      const feed$ = cold(' -abcdefgh|');
      const sent = '      -u';
      const reads = '     ---------------*';
      const fedSlow = '   -^----!';
      const fedFast = '   -^--------!';
      const framesFast = '--abcdefgh(z|)';
      const closedSlow = '---------------c';
      const told = '      ------s';
      const big$ = feed$.pipe(map((letter) => letter.repeat(32 * KIB)));
      const server = network.server(websocket(() => big$, { maxBufferedBytes: 64 * KIB }));
      const values = { u: upgrade('/') };
      const slow = server.client({ sends: sent, values, reads });
      const fast = server.client({ sends: sent, values });
      const heard = Object.fromEntries([...'abcdefgh'].map((letter) => [letter, letter.repeat(32 * KIB)]));
      expectFrames(fast).toBe(framesFast, { ...heard, z: 'close 1000' });
      expectClosed(slow).toBe(closedSlow, { c: 1013 });
      expectEvents(server).toBe(told, { s: 'RHK_SLOW_CLIENT' });
      expectSubscriptions(feed$.subscriptions).toBe([fedSlow, fedFast]);
    });
  });

  it('are sent on where they left off when they read again', () => {
    marbles(({ cold, network, expectFrames, expectEvents, expectSubscriptions }) => {
      const feed$ = cold(' -a-b-c-d-|');
      const sent = '      -u';
      const reads = '     4k-0------*';
      const subscribed = '-^--------!';
      const frames = '    --a-------(bcdz|)';
      const server = network.server(websocket(() => feed$));
      const client = server.client({ sends: sent, values: { u: upgrade('/') }, reads });
      expectFrames(client).toBe(frames, { a: 'a', b: 'b', c: 'c', d: 'd', z: 'close 1000' });
      expectEvents(server).toBe('');
      expectSubscriptions(feed$.subscriptions).toBe(subscribed);
    });
  });

  it('of prices hear the newest of each, instead of all of them late', () => {
    marbles(({ cold, network, expectObservable, expectEvents, expectSubscriptions }) => {
      const prices$ = cold('-aAbBaAbBcCc-----d|');
      const sent = '       -g';
      const reads = '      ---------------*';
      const subscribed = ' -^-----------------!';
      const replies = '      -------------------r';
      const big$ = prices$.pipe(map((letter) => letter.repeat(32 * KIB)));
      const isCapital = (price: BodyPiece): boolean => String(price).startsWith(String(price)[0].toUpperCase());
      const server = network.server(stream(() => big$, { overflow: conflate(isCapital), queueSize: 2 }));
      const client = server.client({ sends: sent, values: { g: get('/') }, reads });
      const initials$ = client.replies$.pipe(map(({ text }) => text.replace(/(.)\1+/g, '$1')));
      expectObservable(initials$).toBe(replies, { r: 'aAbBcCd' });
      expectEvents(server).toBe('');
      expectSubscriptions(prices$.subscriptions).toBe(subscribed);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('that take nothing at all are cut after stallTimeoutMs', () => {
    marbles(({ cold, network, expectEvents, expectConnections, expectSubscriptions }) => {
      const reply$ = cold('a', { a: 'x'.repeat(256 * KIB) });
      const sent = '      -g';
      const reads = '     -';
      const subscribed = '-^ 1998ms !';
      const open = '      o 1999ms n';
      const told = '      2s s';
      const server = network.server(
        mergeMap(() => reply$),
        { stallTimeoutMs: 1_000 },
      );
      server.client({ sends: sent, values: { g: get('/') }, reads });
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectEvents(server).toBe(told, { s: 'RHK_STALLED' });
      expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('on the server’s side are waited for by TCP: what nobody wants is not read', () => {
    marbles(({ cold, network, expectReading, expectReplies }) => {
      const ready$ = cold('-----(r|)');
      const sent = '      -p';
      const reading = '   -n----y';
      const replies = '   ------r';
      const server = network.server(
        mergeMap(({ body$ }) =>
          ready$.pipe(
            mergeMap(() => body$),
            reduce((octets, bytes) => octets + bytes.length, 0),
            map(String),
          ),
        ),
      );
      const client = server.client({ sends: sent, values: { p: post('/', 'x'.repeat(200 * KIB)) } });
      expectReading(client).toBe(reading, { n: false, y: true });
      expectReplies(client).toBe(replies, { r: `200 ${200 * KIB}` });
    });
  });
});
