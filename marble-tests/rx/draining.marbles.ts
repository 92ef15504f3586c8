import { expect } from 'chai';
import { delay, map, mergeMap, NEVER, of, Subject, takeUntil } from 'rxjs';
import { asChannel, draining, extend, type Handler, type HttpRequest, type StopOptions } from 'rx-http-kit';
import { get, marbles, type MarbleHelpers, upgrade, type VirtualClient, type VirtualServer } from 'rx-http-kit/testing';
import { MemoryClient as MemorySocket } from '../../spec/support/memory-channel.js';
import { chunk, LAST_CHUNK, streamed } from '../support/octets.js';

/** A server that is told to stop at the marble of a diagram. */
const stopping = ({ network, at }: MarbleHelpers, handler: Handler, stop: string, options?: StopOptions): VirtualServer => {
  const server = network.server(handler);
  at(stop, () => void server.stop(options));
  return server;
};

describe('draining', () => {
  it('ends a stream that would be cut', () => {
    marbles((helpers) => {
      const ticks$ = helpers.cold('--a--b--c--d');
      const sent = '               g';
      const subscribed = '         ^------!';
      const stop = '               -------s';
      const expected = '           --a--b-(z|)';
      const handler: Handler = mergeMap((request) => ticks$.pipe(takeUntil(draining(request))));
      const client = stopping(helpers, handler, stop).client({ sends: sent, values: { g: get('/') } });
      helpers.expectBytes(client).toBe(expected, { a: streamed('a'), b: chunk('b'), z: LAST_CHUNK });
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
      stopping(helpers, handler, '10ms s', { timeout: 50 }).client({ sends: 'g', values: { g: get('/') } });
      helpers.flush();
      expect(told).to.deep.equal(['10 first 50', 'first done', '10 second 50', 'second done', '15 late 45', 'late done']);
    });
  });

  it('says that there is no end to the time', () => {
    marbles((helpers) => {
      const told: number[] = [];
      const handler: Handler = mergeMap((request) => draining(request).pipe(map((withinMs) => String(told.push(withinMs)))));
      stopping(helpers, handler, '--s', { timeout: Infinity }).client({ sends: 'g', values: { g: get('/') } });
      helpers.flush();
      expect(told).to.deep.equal([Infinity]);
    });
  });

  it('is silent where all is cut at once, with a timeout of 0', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('a');
      const sent = '              -g';
      const stop = '              ---s';
      const subscribed = '        -^-!';
      const expected = '          -a-|';
      const told$ = new Subject<number>();
      const handler: Handler = mergeMap((request) => {
        draining(request).subscribe((withinMs) => told$.next(withinMs));
        return reply$;
      });
      const client = stopping(helpers, handler, stop, { timeout: 0 }).client({ sends: sent, values: { g: get('/') } });
      helpers.expectBytes(client).toBe(expected, { a: streamed('a') });
      helpers.expectObservable(told$).toBe('');
      helpers.expectSubscriptions(reply$.subscriptions).toBe(subscribed);
    });
  });

  it('leaves the close of a WebSocket to who listens, and 1001 to all others', () => {
    marbles((helpers) => {
      const sent = '           -u';
      const stop = '           10ms s';
      const framesListening = '15ms (c|)';
      const framesOther = '    10ms (c|)';
      const handler: Handler = asChannel((channel, request) => {
        channel.subscribe();
        if (request.uri !== '/') return undefined;
        return draining(request).subscribe(() => helpers.clock.after(5, () => channel.close(1012, 'soon')));
      });
      const server = stopping(helpers, handler, stop, { timeout: 50 });
      const listening = server.client({ sends: sent, values: { u: upgrade('/') } });
      const other = server.client({ sends: sent, values: { u: upgrade('/other') } });
      helpers.expectFrames(listening).toBe(framesListening, { c: 'close 1012 soon' });
      helpers.expectFrames(other).toBe(framesOther, { c: 'close 1001' });
    });
  });

  it('does so too where the WebSocket opens while the server drains', () => {
    marbles((helpers) => {
      const opens = delay<HttpRequest>(20);
      const handler: Handler = (requests$) =>
        requests$.pipe(
          mergeMap((request) => {
            if (request.uri === '/before') draining(request).subscribe();
            return of(request).pipe(opens);
          }),
          asChannel((channel, request) => {
            channel.subscribe();
            if (request.uri === '/late') draining(request).subscribe();
            if (request.uri === '/other') return undefined;
            return void helpers.clock.after(5, () => channel.close(1012, 'soon'));
          }),
        );
      const server = stopping(helpers, handler, '10ms s', { timeout: 50 });
      const ask = (uri: string): VirtualClient => server.client({ sends: '-u', values: { u: upgrade(uri) } });
      helpers.expectFrames(ask('/before')).toBe('26ms (c|)', { c: 'close 1012 soon' });
      helpers.expectFrames(ask('/late')).toBe('26ms (c|)', { c: 'close 1012 soon' });
      helpers.expectFrames(ask('/other')).toBe('21ms (c|)', { c: 'close 1001' });
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
