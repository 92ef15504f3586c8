import { last, map, mergeMap } from 'rxjs';
import { asText, type Handler } from 'rx-http-kit';
import { get, marbles, post } from 'rx-http-kit/testing';
import { byPath } from '../support/by-path.js';
import { chunk, LAST_CHUNK, refusal, streamed, whole } from '../support/octets.js';

const hello: Handler = map(() => 'hello');
const echo: Handler = asText();
const answer = whole('hello');
const announcing = (length: number, begun: string = ''): Buffer => post('/', begun, { 'content-length': length });

describe('headTimeoutMs', () => {
  const late = refusal('408 Request Timeout', 'the request head came too slowly');

  it('ends a head that drips in, however steadily', () => {
    marbles(({ network, expectBytes, expectEvents }) => {
      const drips = '   g 499ms d';
      const expected = '31s (t|)';
      const told = '    31s f';
      const server = network.server(hello);
      const client = server.client({ sends: drips + ' 499ms d'.repeat(70), values: { g: 'GET / HTTP/1.1\r\nx: ', d: 'y' } });
      expectBytes(client).toBe(expected, { t: late });
      expectEvents(server).toBe(told, { f: 'RHK_HEAD_TIMEOUT' });
    });
  });

  it('lets a head pass that comes in time', () => {
    marbles(({ network, expectBytes }) => {
      const sent = '    -a 29998ms b|';
      const expected = '- 29999ms r|';
      const client = network.server(hello).client({ sends: sent, values: { a: 'GET / HTTP/1.1\r\n', b: 'host: x\r\n\r\n' } });
      expectBytes(client).toBe(expected, { r: answer });
    });
  });

  it('starts with the first byte of each head', () => {
    marbles(({ network, expectBytes }) => {
      const sent = '    20500ms a 19999ms b';
      const expected = '20500ms r 19999ms r 30499ms (t|)';
      const values = { a: Buffer.concat([get('/'), Buffer.from('GET')]), b: ' / HTTP/1.1\r\nhost: x\r\n\r\nG' };
      const client = network.server(hello).client({ sends: sent, values });
      expectBytes(client).toBe(expected, { r: answer, t: late });
    });
  });

  it('does not count the time that an answer takes', () => {
    marbles(({ cold, network, expectBytes }) => {
      const slow$ = cold('60500ms (h|)', { h: 'hello' });
      const sent = '      a';
      const expected = '  60500ms r 30499ms (t|)';
      const server = network.server(mergeMap(() => slow$));
      const client = server.client({ sends: sent, values: { a: Buffer.concat([get('/'), Buffer.from('GET /')]) } });
      expectBytes(client).toBe(expected, { r: answer, t: late });
    });
  });

  it('may be short, or none', () => {
    marbles(({ network, expectBytes }) => {
      const sentShort = '    g';
      const expectedShort = '2s (t|)';
      const sentNone = '     g 50m 500ms e';
      const expectedNone = ' 50m 501ms r 1498ms |';
      const values = { g: 'G', e: get('/').subarray(1) };
      const short = network.server(hello, { headTimeoutMs: 1_000 }).client({ sends: sentShort, values });
      const none = network.server(hello, { headTimeoutMs: Infinity, keepAliveTimeoutMs: 1_000 }).client({ sends: sentNone, values });
      expectBytes(short).toBe(expectedShort, { t: late });
      expectBytes(none).toBe(expectedNone, { r: answer });
    });
  });
});

describe('keepAliveTimeoutMs', () => {
  it('closes a connection on which nothing came, without a word', () => {
    marbles(({ network, expectBytes, expectConnections }) => {
      const expected = '76s |';
      const open = '    o 75999ms n';
      const server = network.server(hello);
      expectBytes(server.client()).toBe(expected);
      expectConnections(server).toBe(open, { o: 1, n: 0 });
    });
  });

  it('starts anew behind each answer', () => {
    marbles(({ network, expectBytes }) => {
      const sent = '    50500ms a 49999ms a';
      const expected = '50500ms r 49999ms r 75499ms |';
      const client = network.server(hello).client({ sends: sent, values: { a: get('/') } });
      expectBytes(client).toBe(expected, { r: answer });
    });
  });

  it('is not moved by empty lines', () => {
    marbles(({ network, expectBytes, expectEvents }) => {
      const expected = '76s |';
      const server = network.server(hello);
      const client = server.client({ sends: ' 999ms l'.repeat(80), values: { l: '\r\n' } });
      expectBytes(client).toBe(expected);
      expectEvents(server).toBe('');
    });
  });

  it('does not run while a request is answered', () => {
    marbles(({ cold, network, expectBytes }) => {
      const slow$ = cold('10m 500ms (h|)', { h: 'hello' });
      const sent = '      a';
      const expected = '  10m 500ms r 75499ms |';
      const client = network.server(mergeMap(() => slow$)).client({ sends: sent, values: { a: get('/') } });
      expectBytes(client).toBe(expected, { r: answer });
    });
  });

  it('drops a client that does not take the hint, after 5 s', () => {
    marbles(({ network, expectBytes, expectConnections }) => {
      const expected = '76s |';
      const open = '    o 80999ms n';
      const server = network.server(hello);
      const client = server.client({ isPolite: false });
      expectBytes(client).toBe(expected);
      expectConnections(server).toBe(open, { o: 1, n: 0 });
    });
  });
});

describe('bodyMinBytesPerSecond', () => {
  const slow = { t: '408 Request Timeout' };

  it('ends a body that drips in', () => {
    marbles(({ network, expectHeads, expectEvents }) => {
      const expected = '6s t';
      const told = '    6s f';
      const server = network.server(echo);
      const client = server.client({ sends: `p${' 999ms d'.repeat(20)}`, values: { p: announcing(1_000), d: 'x' } });
      expectHeads(client).toBe(expected, slow);
      expectEvents(server).toBe(told, { f: 'RHK_BODY_TIMEOUT' });
    });
  });

  it('is an average: a fast start pays for a slow end', () => {
    marbles(({ network, expectHeads }) => {
      const expected = '16s t';
      const tenSeconds = announcing(5_000, 'x'.repeat(2_400));
      const client = network.server(echo).client({ sends: `p${' 999ms d'.repeat(20)}`, values: { p: tenSeconds, d: 'x' } });
      expectHeads(client).toBe(expected, slow);
    });
  });

  it('lets a steady body pass', () => {
    marbles(({ network, expectReplies }) => {
      const expected = '100s r';
      const server = network.server(mergeMap(({ body$ }) => body$.pipe(map(String), last())));
      const second = 'x'.repeat(240);
      const client = server.client({ sends: `p${' 999ms d'.repeat(100)}`, values: { p: announcing(24_000), d: second } });
      expectReplies(client).toBe(expected, { r: `200 ${second}` });
    });
  });

  it('blames nobody while the handler does not read', () => {
    marbles(({ cold, network, expectReplies, expectEvents }) => {
      const wait$ = cold('1m (w|)');
      const sent = '      p 60499ms b';
      const expected = '  60500ms r';
      const server = network.server(mergeMap(({ body$ }) => wait$.pipe(mergeMap(() => body$.pipe(map(String))))));
      const client = server.client({ sends: sent, values: { p: announcing(2), b: 'xy' } });
      expectReplies(client).toBe(expected, { r: '200 xy' });
      expectEvents(server).toBe('');
    });
  });

  it('of 0 lets a body take its time', () => {
    marbles(({ network, expectReplies }) => {
      const sent = '    p 1799999ms b';
      const expected = '30m r';
      const client = network.server(echo, { bodyMinBytesPerSecond: 0 }).client({ sends: sent, values: { p: announcing(1), b: 'x' } });
      expectReplies(client).toBe(expected, { r: '200 x' });
    });
  });

  it('holds for a rest that nobody wants', () => {
    marbles(({ network, expectBytes }) => {
      const expected = '-r 5998ms |';
      const client = network.server(hello).client({ sends: `-p${' 999ms d'.repeat(20)}`, values: { p: announcing(1_000), d: 'x' } });
      expectBytes(client).toBe(expected, { r: answer });
    });
  });
});

describe('halfCloseTimeoutMs', () => {
  it('is how long a client that has sent FIN may wait for its answer to begin', () => {
    marbles(({ cold, network, expectBytes, expectSubscriptions }) => {
      const never$ = cold('-');
      const sent = '       a 499ms |';
      const subscribed = ' ^ 30999ms !';
      const expected = '   31s |';
      const server = network.server(
        mergeMap(() => never$),
        { halfCloseTimeoutMs: 30_000 },
      );
      expectBytes(server.client({ sends: sent, values: { a: get('/') } })).toBe(expected);
      expectSubscriptions(never$.subscriptions).toBe(subscribed);
    });
  });

  it('does not hold for a client that has not', () => {
    marbles(({ cold, network, expectReplies }) => {
      const slow$ = cold('30m (h|)', { h: 'hello' });
      const sent = '      a';
      const expected = '  30m r';
      const client = network.server(mergeMap(() => slow$)).client({ sends: sent, values: { a: get('/') } });
      expectReplies(client).toBe(expected, { r: '200 hello' });
    });
  });

  it('lets go of a stream that is silent behind the FIN, and of none that is not', () => {
    marbles(({ cold, network, expectReply, expectSubscriptions }) => {
      const silent$ = cold('a 4999ms b 4999ms c');
      const lively$ = cold('a 899ms b 899ms c 899ms d 899ms (e|)');
      const sent = '        a 99ms |';
      const letGo = '       ^ 1999ms !';
      const served = '      ^ 3599ms !';
      const cut = '         a 1999ms #';
      const received = '    a 899ms b 899ms c 899ms d 899ms (e|)';
      const server = network.server(byPath({ '/silent': silent$, '/lively': lively$ }));
      expectReply(server.client({ sends: sent, values: { a: get('/silent') } })).toBe(cut);
      expectReply(server.client({ sends: sent, values: { a: get('/lively') } })).toBe(received);
      expectSubscriptions(silent$.subscriptions).toBe(letGo);
      expectSubscriptions(lively$.subscriptions).toBe(served);
    });
  });
});

describe('stallTimeoutMs', () => {
  it('cuts a client that takes nothing, and lets go of its handler', () => {
    marbles(({ cold, network, expectClosed, expectEvents, expectSubscriptions }) => {
      const reply$ = cold('a', { a: 'x'.repeat(100_000) });
      const sent = '       r';
      const reads = '      1000';
      const subscribed = ' ^ 61999ms !';
      const closed = '     62s e';
      const told = '       62s s';
      const server = network.server(mergeMap(() => reply$));
      const client = server.client({ sends: sent, values: { r: get('/') }, reads });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectEvents(server).toBe(told, { s: 'RHK_STALLED' });
      expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('lets a client take its time that takes something', () => {
    marbles(({ network, expectConnections, expectEvents }) => {
      const vanishes = '1000s #';
      const open = '    o 999999ms n';
      const server = network.server(map(() => 'x'.repeat(100_000)));
      server.client({ sends: 'r', values: { r: get('/') }, reads: ' 49996ms 1000'.repeat(20), vanishes });
      expectConnections(server).toBe(open, { o: 1, n: 0 });
      expectEvents(server).toBe('');
    });
  });

  it('does not count while nothing waits', () => {
    marbles(({ cold, network, expectBytes, expectEvents }) => {
      const reply$ = cold('a 10m b 10m (c|)');
      const sent = '       r 20m 1s |';
      const expected = '   a 10m b 10m c 998ms |';
      const server = network.server(mergeMap(() => reply$));
      const client = server.client({ sends: sent, values: { r: get('/') } });
      expectBytes(client).toBe(expected, { a: streamed('a'), b: chunk('b'), c: chunk('c') + LAST_CHUNK });
      expectEvents(server).toBe('');
    });
  });
});
