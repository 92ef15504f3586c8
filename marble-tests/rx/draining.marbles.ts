import { expect } from 'chai';
import { concat, map, mergeMap, NEVER, of, Subject, takeUntil } from 'rxjs';
import { asChannel, draining, extend, type Handler, type StopOptions } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import { MemoryClient as MemorySocket } from '../../spec/support/memory-channel.js';
import type { MemoryClient } from '#src/testing/memory-client.js';
import { chunk, get, LAST_CHUNK, play, streamed, undated, VirtualServer } from '../support/virtual-server.js';

const HANDSHAKE =
  'GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: c2l4dGVlbiBsZXR0ZXJzLg==\r\n\r\n';

/** A server that is told to stop in a frame, and one client of it. */
const stopping = ({ clock, cold }: MarbleHelpers, handler: Handler, at: string, options?: StopOptions): MemoryClient => {
  const server = new VirtualServer(clock, handler);
  cold(at).subscribe({ complete: () => void server.server.stop(options) });
  return server.connect();
};

describe('draining', () => {
  it('ends a stream that would be cut', () => {
    marbles((helpers) => {
      const ticks$ = helpers.cold('--a--b--c--d');
      const subscribed = '         ^------!    ';
      const stop = '               -------|    ';
      const expected = '           --a--b-(z|) ';
      const handler: Handler = mergeMap((request) => ticks$.pipe(takeUntil(draining(request))));
      const client = stopping(helpers, handler, stop);
      client.received$.subscribe({ complete: () => client.end() });
      play(client, concat(of(get('/')), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe(expected, { a: streamed('a'), b: chunk('b'), z: LAST_CHUNK });
      helpers.expectSubscriptions(ticks$.subscriptions).toBe(subscribed);
    });
  });

  it('tells once how much time there is, to everybody, through extend, and at once to who comes late', () => {
    marbles((helpers) => {
      const told: string[] = [];
      const handler: Handler = mergeMap((request) => {
        const hear = (name: string) =>
          draining(extend(request, { name })).subscribe({
            next: (withinMs) => told.push(`${helpers.clock.frame} ${name} ${withinMs}`),
            complete: () => told.push(`${name} done`),
          });
        hear('first');
        hear('second');
        hear('gone').unsubscribe();
        helpers.clock.after(15, () => hear('late'));
        return NEVER;
      });
      const client = stopping(helpers, handler, '10ms |', { timeout: 50 });
      play(client, concat(of(get('/')), NEVER));
      helpers.flush();
      expect(told).to.deep.equal(['10 first 50', 'first done', '10 second 50', 'second done', '15 late 45', 'late done']);
    });
  });

  it('says that there is no end to the time', () => {
    marbles((helpers) => {
      const told: number[] = [];
      const handler: Handler = mergeMap((request) => draining(request).pipe(map((withinMs) => String(told.push(withinMs)))));
      const client = stopping(helpers, handler, '--|', { timeout: Infinity });
      play(client, concat(of(get('/')), NEVER));
      helpers.flush();
      expect(told).to.deep.equal([Infinity]);
    });
  });

  it('is silent where all is cut at once, with a timeout of 0', () => {
    marbles((helpers) => {
      const told: number[] = [];
      const handler: Handler = mergeMap((request) => {
        draining(request).subscribe((withinMs) => told.push(withinMs));
        return concat(of('a'), NEVER);
      });
      const client = stopping(helpers, handler, '---|', { timeout: 0 });
      play(client, concat(helpers.cold('-a', { a: get('/') }), NEVER));
      helpers.expectObservable(client.received$.pipe(map(undated))).toBe('-a-|', { a: streamed('a') });
      helpers.flush();
      expect(told).to.deep.equal([]);
    });
  });

  it('leaves the close of a WebSocket to who listens, and 1001 to all others', () => {
    marbles((helpers) => {
      const handler: Handler = asChannel((channel, request) => {
        channel.subscribe();
        if (request.uri !== '/') return undefined;
        return draining(request).subscribe(() => helpers.clock.after(5, () => channel.close(1012, 'soon')));
      });
      const server = new VirtualServer(helpers.clock, handler);
      helpers.cold('10ms |').subscribe({ complete: () => void server.server.stop({ timeout: 50 }) });
      const [listening, other] = [server.connect(), server.connect()];
      play(listening, concat(helpers.cold('-a', { a: HANDSHAKE }), NEVER));
      play(other, concat(helpers.cold('-a', { a: HANDSHAKE.replace('GET /', 'GET /other') }), NEVER));
      const frames = (client: MemoryClient) => client.received$.pipe(map((text) => (text.startsWith('HTTP') ? 'open' : text.slice(2))));
      helpers.expectObservable(frames(listening)).toBe('-o 13ms c 44ms |', { o: 'open', c: '\x03\xf4soon' });
      helpers.expectObservable(frames(other)).toBe('-o 8ms c 49ms |', { o: 'open', c: '\x03\xe9' });
    });
  });

  it('is silent for a server that runs, however a request ends', () => {
    marbles(({ expectObservable }) => {
      const heard = new Subject<number>();
      const handler = asChannel((_, request) => draining(request).subscribe(heard));
      const socket = new MemorySocket(handler);
      socket.open();
      socket.sayClose(1000);
      expectObservable(heard).toBe('-');
    });
  });
});
