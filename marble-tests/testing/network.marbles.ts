import { expect } from 'chai';
import { concatMap, interval, map, mergeMap } from 'rxjs';
import { asText, OptionError, websocket } from 'rx-http-kit';
import { get, head, marbles, ping, post, text, upgrade } from 'rx-http-kit/testing';

const TEXT = 'content-type: text/plain; charset=utf-8\r\n';

describe('network.server', () => {
  it('answers a request with what the handler streams', () => {
    marbles(({ cold, network, expectReply, expectHeads, expectSubscriptions }) => {
      const prices$ = cold('    --a-b|');
      const sent = '           -r      ';
      const subscribed = '     -^----! ';
      const expected = '       ---a-b| ';
      const server = network.server(mergeMap(() => prices$));
      const client = server.client({ sends: sent, values: { r: get('/') } });
      expectReply(client).toBe(expected);
      expectHeads(client, 'transfer-encoding').toBe('---h', { h: '200 OK\ntransfer-encoding: chunked' });
      expectSubscriptions(prices$.subscriptions).toBe(subscribed);
    });
  });

  it('lets a client read at its own speed', () => {
    marbles(({ network, expectReply }) => {
      const server = network.server(map(() => 'x'.repeat(3_000)));
      const client = server.client({ sends: 'r', values: { r: get('/') }, reads: '--1100-1k---*' });
      expectReply(client).toBe('--a----b----(c|)', { a: 'x'.repeat(981), b: 'x'.repeat(1_024), c: 'x'.repeat(3_000 - 981 - 1_024) });
    });
  });

  it('speaks WebSocket', () => {
    marbles(({ network, expectFrames, expectMessages, expectClosed }) => {
      const server = network.server(websocket(map((message) => `${String(message)}!`)));
      const client = server.client({ sends: 'u-a-p-|', values: { u: upgrade('/'), a: text('hi'), p: ping('x') } });
      expectFrames(client).toBe('--a-p-|', { a: 'hi!', p: 'pong x' });
      expectMessages(client).toBe('--a---|', { a: 'hi!' });
      expectClosed(client).toBe('------c', { c: 1006 });
    });
  });

  it('tells replies whole, HEAD too', () => {
    marbles(({ network, expectReplies, expectClosed, expectConnections }) => {
      const server = network.server(asText());
      const client = server.client({ sends: '-a-b|', values: { a: post('/', 'hello'), b: head('/') } });
      expectReplies(client).toBe('-a-b', { a: '200 hello', b: '200 ' });
      expectClosed(client).toBe('----c', { c: 'end' });
      expectConnections(server).toBe('1---0', { 1: 1, 0: 0 });
    });
  });

  it('sends a list at once', () => {
    marbles(({ network, expectBytes, expectReplies }) => {
      const server = network.server(map(({ uri }) => uri));
      const client = server.client({ sends: '-r-|', values: { r: [get('/a'), 'GET /b HTTP/1.1\r\nhost: x\r\n\r\n'] } });
      expectReplies(client).toBe('-(ab)', { a: '200 /a', b: '200 /b' });
      expectBytes(client).toBe('-r-|', {
        r: '/a/b'.replace(/\/./g, (path) => `HTTP/1.1 200 OK\r\n${TEXT}content-length: 2\r\n\r\n${path}`),
      });
    });
  });

  it('ends a test with an endless stream', () => {
    marbles(({ network, expectBytes }) => {
      const server = network.server(mergeMap(() => interval(15_000).pipe(map(() => ':'))));
      const client = server.client({ sends: 'a', values: { a: get('/') }, vanishes: '40s #' });
      expectBytes(client).toBe('15s a 14999ms b', {
        a: 'HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n1\r\n:\r\n',
        b: '1\r\n:\r\n',
      });
    });
  });
});

describe('network.listen', () => {
  // #region listen
  it('is a server of one’s own operators', () => {
    marbles(({ cold, network, expectReplies, expectClosed, expectObservable, expectSubscriptions }) => {
      const a$ = cold('      --(a|)   ');
      const b$ = cold('        ----(b|)');
      const sent = '        -x         ';
      const servedA = '     -^-!       ';
      const servedB = '     ---^--!    ';
      const expected = '    ---a       ';
      const until = '       ------!    ';
      const closed = '      ------e    ';
      const connections$ = network.listen();
      const client = connections$.client({ sends: sent, values: { x: Buffer.concat([get('/a'), get('/b')]) } });
      const served$ = connections$.pipe(
        mergeMap(({ requests$ }) =>
          requests$.pipe(concatMap((exchange) => exchange.answer(mergeMap(({ uri }) => (uri === '/a' ? a$ : b$))))),
        ),
      );
      expectObservable(served$, until).toBe('');
      expectReplies(client).toBe(expected, { a: '200 a' });
      expectClosed(client).toBe(closed, { e: 'end' });
      expectSubscriptions(a$.subscriptions).toBe(servedA);
      expectSubscriptions(b$.subscriptions).toBe(servedB);
    });
  });
  // #endregion
});

describe('a client', () => {
  it('refuses a marble that its values have not', () => {
    marbles(({ network }) => {
      const server = network.server(asText());
      expect(() => server.client({ sends: '-b', values: { a: get('/') } })).to.throw(OptionError, 'has no b, which the client sends');
    });
  });
});
