import { expect } from 'chai';
import { concat, delay, fromEvent, map, mergeMap, NEVER, of, reduce, Subject, take, timer } from 'rxjs';
import { websocket, type Handler, type HttpRequest } from 'rx-http-kit';
import { get, marbles, upgrade } from 'rx-http-kit/testing';

/** More than a socket is given at once. */
const LARGE = Array.from({ length: 9 }, (_, i) => Buffer.alloc(100_000, String(i)));

describe('Connection', () => {
  describe('a reply', () => {
    it('leaves whole, in order and before FIN, to a client that takes its time', () => {
      marbles(({ network, expectObservable, expectClosed }) => {
        const server = network.server(mergeMap(() => of(...LARGE)));
        const client = server.client({ sends: 'r', values: { r: get('/', { connection: 'close' }) }, reads: '--64k--200k-*' });
        const body = client.replies$.pipe(map((reply) => reply.body.equals(Buffer.concat(LARGE))));
        expectObservable(body).toBe('------------a', { a: true });
        expectClosed(client).toBe('------------e', { e: 'end' });
      });
    });

    it('is the last where maxRequestsPerConnection says so', () => {
      marbles(({ network, expectHeads, expectClosed }) => {
        const server = network.server(
          map(() => 'a'),
          { maxRequestsPerConnection: 2 },
        );
        const client = server.client({ sends: '-abc', values: { a: get('/'), b: get('/'), c: get('/') } });
        expectHeads(client, 'connection').toBe('-ab', { a: '200 OK', b: '200 OK\nconnection: close' });
        expectClosed(client).toBe('--e', { e: 'end' });
      });
    });

    it('is not made for a client that does not take those before it', () => {
      marbles(({ network, at, expectObservable }) => {
        let count = 0;
        const server = network.server(
          map(() => {
            count++;
            return 'x'.repeat(10_000);
          }),
        );
        const client = server.client({
          sends: 'r',
          values: { r: Buffer.concat(Array.from({ length: 30 }, () => get('/'))) },
          reads: '----------*',
        });
        at('-----c', () => expect(count).to.be.within(6, 10));
        const whole$ = client.replies$.pipe(
          take(30),
          reduce((sum) => sum + 1, 0),
        );
        expectObservable(whole$).toBe('----------(n|)', { n: 30 });
      });
    });
  });

  describe('a client that leaves', () => {
    it('aborts the signal of its request', () => {
      marbles(({ network, expectObservable }) => {
        const aborted$ = new Subject<string>();
        const waitFor = (request: HttpRequest) => {
          fromEvent(request.signal, 'abort').subscribe(() => aborted$.next('aborted'));
          return NEVER;
        };
        const server = network.server(mergeMap(waitFor));
        server.client({ sends: '-r', values: { r: get('/') }, vanishes: '---#' });
        expectObservable(aborted$).toBe('         ---a', { a: 'aborted' });
      });
    });

    it('in the middle of a head, behind a request that runs, is told so behind its answer', () => {
      marbles(({ network, expectReplies, expectClosed }) => {
        const server = network.server(mergeMap(() => timer(5).pipe(map(() => 'a'))));
        const client = server.client({ sends: 'r|', values: { r: Buffer.concat([get('/'), Buffer.from('GET /b HTTP/1.1\r\nho')]) } });
        expectReplies(client).toBe('-----(ab)', { a: '200 a', b: '400 the request head ended before its end' });
        expectClosed(client).toBe('-----e', { e: 'end' });
      });
    });
  });

  describe('a server that stops', () => {
    it('lets a client take what was answered, within its time', () => {
      marbles(({ network, at, expectReply, expectClosed }) => {
        const server = network.server(map(() => 'x'.repeat(3_000)));
        const client = server.client({ sends: 'r', values: { r: get('/') }, reads: '---*' });
        at('-s', () => void server.stop());
        expectReply(client).toBe('---(a|)', { a: 'x'.repeat(3_000) });
        expectClosed(client).toBe('---e', { e: 'end' });
      });
    });

    it('says so to a WebSocket that opens meanwhile', () => {
      marbles(({ network, at, expectFrames, expectClosed }) => {
        const late: Handler = (requests$) =>
          requests$.pipe(
            delay(5),
            websocket(() => concat(of('hi'), NEVER)),
          );
        const server = network.server(late);
        const client = server.client({ sends: 'u', values: { u: upgrade('/') } });
        at('--s', () => void server.stop());
        expectFrames(client).toBe('-----(hc|)', { h: 'hi', c: 'close 1001' });
        expectClosed(client).toBe('-----g', { g: 1001 });
      });
    });
  });
});
