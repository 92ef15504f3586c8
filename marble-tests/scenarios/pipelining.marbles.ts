/** Requests that a client sends without waiting for answers, RFC 9112 §9.3.2. */
import { concatWith, map, mergeMap, NEVER, type Observable, take } from 'rxjs';
import { get, marbles } from 'rx-http-kit/testing';

const repliesIn = (octets: string): number => octets.split('HTTP/1.1 200 OK').length - 1;

describe('pipelining', () => {
  // #region pipelining
  // also on the wire: spec/wire/scenarios.spec.ts
  it('answers in the order of the requests, one handler at a time', () => {
    marbles(({ cold, network, expectReplies, expectSubscriptions }) => {
      const a$ = cold(' --(a|)');
      const b$ = cold('   ----(b|)');
      const c$ = cold('       -(c|)');
      const sent = '   -(abc)';
      const servedA = '-^-!';
      const servedB = '---^---!';
      const servedC = '-------^!';
      const replies = '---a---bc';
      const work: Record<string, Observable<string>> = { '/a': a$, '/b': b$, '/c': c$ };
      const server = network.server(mergeMap(({ uri }) => work[uri]));
      const client = server.client({ sends: sent, values: { a: get('/a'), b: get('/b'), c: get('/c') } });
      expectReplies(client).toBe(replies, { a: '200 a', b: '200 b', c: '200 c' });
      expectSubscriptions(a$.subscriptions).toBe(servedA);
      expectSubscriptions(b$.subscriptions).toBe(servedB);
      expectSubscriptions(c$.subscriptions).toBe(servedC);
    });
  });
  // #endregion

  it('answers in one write what came in one read and needs no time', () => {
    marbles(({ network, expectReplies, expectObservable }) => {
      const sent = '   -x';
      const replies = '-(abc)';
      const writes = ' -w';
      const server = network.server(map(({ uri }) => uri));
      const client = server.client({ sends: sent, values: { x: Buffer.concat([get('/a'), get('/b'), get('/c')]) } });
      expectReplies(client).toBe(replies, { a: '200 /a', b: '200 /b', c: '200 /c' });
      expectObservable(client.bytes$.pipe(take(1), map(repliesIn), concatWith(NEVER))).toBe(writes, { w: 3 });
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('keeps one client waiting, and nobody else', () => {
    marbles(({ cold, network, expectReplies, expectSubscriptions }) => {
      const slow$ = cold('    ---------(s|)');
      const quick$ = cold('    -(q|)');
      const sentOne = '      -(sq)';
      const sentTwo = '      --q-----q';
      const slow = '         -^--------!';
      const quickTwo = '     --^!';
      const quickTwoAgain = '--------^!';
      const quickOne = '     ----------^!';
      const repliesOne = '   ----------sq';
      const repliesTwo = '   ---q-----q';
      const server = network.server(mergeMap(({ uri }) => (uri === '/slow' ? slow$ : quick$)));
      const values = { s: get('/slow'), q: get('/quick') };
      expectReplies(server.client({ sends: sentOne, values })).toBe(repliesOne, { s: '200 s', q: '200 q' });
      expectReplies(server.client({ sends: sentTwo, values })).toBe(repliesTwo, { q: '200 q' });
      expectSubscriptions(slow$.subscriptions).toBe(slow);
      expectSubscriptions(quick$.subscriptions).toBe([quickTwo, quickTwoAgain, quickOne]);
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('runs nothing of a client that has gone', () => {
    marbles(({ cold, network, expectReplies, expectSubscriptions, expectConnections }) => {
      const a$ = cold('  ----------(a|)');
      const b$ = cold('  (b|)');
      const sent = '    -(ab)';
      const vanishes = '------#';
      const servedA = ' -^----!';
      const open = '    o-----n';
      const server = network.server(mergeMap(({ uri }) => (uri === '/a' ? a$ : b$)));
      const client = server.client({ sends: sent, values: { a: get('/a'), b: get('/b') }, vanishes });
      expectReplies(client).toBe('');
      expectSubscriptions(a$.subscriptions).toBe(servedA);
      expectSubscriptions(b$.subscriptions).toBe([]);
      expectConnections(server).toBe(open, { o: 1, n: 0 });
    });
  });

  // also on the wire: spec/wire/scenarios.spec.ts
  it('answers what came before a request that breaks the rules, and nothing behind it', () => {
    marbles(({ cold, network, expectHeads, expectClosed, expectEvents, expectSubscriptions }) => {
      const reply$ = cold('---(r|)');
      const sent = '      -(axa)';
      const served = '    -^--!';
      const heads = '     ----(rx)';
      const closed = '    ----e';
      const told = '      ----f';
      const server = network.server(mergeMap(() => reply$));
      const client = server.client({ sends: sent, values: { a: get('/'), x: 'GET  / HTTP/1.1\r\n\r\n' } });
      expectHeads(client, 'connection').toBe(heads, { r: '200 OK', x: '400 Bad Request\nconnection: close' });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectEvents(server).toBe(told, { f: 'RHK_BAD_REQUEST_LINE' });
      expectSubscriptions(reply$.subscriptions).toBe(served);
    });
  });
});
