/** Clients that keep a server busy by being slow, on purpose and in numbers, beside one that is not. */
import { expect } from 'chai';
import { debounceTime, map, merge } from 'rxjs';
import { asText } from 'rx-http-kit';
import { get, marbles, post } from 'rx-http-kit/testing';

describe('slow loris', () => {
  // #region slow-loris
  const MANY = 20;
  /** An octet each second. */
  const DRIPS = ' 999ms d'.repeat(32);

  // also on the wire: spec/wire/scenarios.spec.ts
  it('is thrown out head by head, and a good client beside it is served all the time', () => {
    marbles(({ network, expectReplies, expectHeads, expectObservable }) => {
      const good = '   g 14s g 14s g 14s g';
      const replies = 'r 14s r 14s r 14s r';
      const heads = '  31s t';
      const open = '   n 30999ms g 86999ms 0';
      const server = network.server(map(() => 'hello'));
      const values = { b: 'GET / HTTP/1.1\r\nhost: test\r\nx: ', d: 'y', g: get('/') };
      const drips = Array.from({ length: MANY }, () => server.client({ sends: `b${DRIPS}`, values }));
      expectReplies(server.client({ sends: good, values })).toBe(replies, { r: '200 hello' });
      for (const drip of drips) expectHeads(drip).toBe(heads, { t: '408 Request Timeout' });
      expectObservable(server.connections$.pipe(debounceTime(0))).toBe(open, { n: MANY + 1, g: 1, 0: 0 });
    });
  });
  // #endregion

  it('in a body ends as soon as its average is too low, and holds no handler', () => {
    marbles(({ cold, network, expectHeads, expectSubscriptions }) => {
      const work$ = cold('-');
      const sentGood = '  - 10s g';
      const heldByDrip = '^ 5999ms !';
      const heldByGood = '- 10s ^';
      const heads = '     6s t';
      const headGood = '  - 10s r';
      const server = network.server((requests$) => merge(requests$.pipe(asText()), work$));
      const values = { b: post('/', 'begun', { 'content-length': 1_000_000 }), d: 'y', g: post('/', 'good') };
      const drips = Array.from({ length: MANY }, () => server.client({ sends: `b${' 999ms d'.repeat(8)}`, values }));
      expectHeads(server.client({ sends: sentGood, values })).toBe(headGood, { r: '200 OK' });
      for (const drip of drips) expectHeads(drip).toBe(heads, { t: '408 Request Timeout' });
      expectSubscriptions(work$.subscriptions).toBe([...drips.map(() => heldByDrip), heldByGood]);
    });
  });

  it('with empty lines gains nothing: an idle connection is one', () => {
    marbles(({ network, expectBytes }) => {
      const closed = '76s |';
      const server = network.server(map(() => 'hello'));
      const drips = Array.from({ length: MANY }, () => server.client({ sends: ' 9999ms d'.repeat(8), values: { d: '\r\n' } }));
      for (const drip of drips) expectBytes(drip).toBe(closed);
    });
  });

  it('that reads an octet now and then holds what one client may hold, and no more is made for it', () => {
    let made = 0;
    const endless = function* (): Generator<string> {
      for (;;) {
        made++;
        yield 'x'.repeat(8_192);
      }
    };
    marbles(
      ({ network, expectConnections }) => {
        const server = network.server(map(() => ({ body: endless() })));
        server.client({ sends: 'g', values: { g: get('/') }, reads: ' 9999ms 1'.repeat(60) });
        expectConnections(server).toBe('o', { o: 1 });
      },
      { horizonMs: 600_000 },
    );
    // The socket's buffer, the outbox, and a piece at the edge of each.
    expect(made * 8_192).to.be.at.most(2 * 65_536 + 2 * 8_192);
  });

  it('cannot open more connections than maxConnections, and loses them in time', () => {
    marbles(({ network, expectClosed, expectReplies }) => {
      const connectsLate = ' - 5s c';
      const connectsLater = '- 40s c';
      const sentLater = '    - 40s g';
      const refused = '      - 5s r';
      const answered = '     - 40s r';
      const server = network.server(
        map(() => 'hello'),
        { maxConnections: MANY },
      );
      const values = { b: 'GET / HTTP/1.1\r\nx: ', d: 'y', g: get('/') };
      for (let i = 0; i < MANY; i++) server.client({ sends: `b${DRIPS}`, values });
      expectClosed(server.client({ connects: connectsLate })).toBe(refused, { r: 'reset' });
      expectReplies(server.client({ connects: connectsLater, sends: sentLater, values })).toBe(answered, { r: '200 hello' });
    });
  });
});
