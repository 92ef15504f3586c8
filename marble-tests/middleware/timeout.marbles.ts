import { expect } from 'chai';
import { map, of, throwError } from 'rxjs';
import { type Handler, HttpError, OptionError } from 'rx-http-kit';
import { timeout, type TimeoutOptions } from 'rx-http-kit/middleware';
import { marbles, request } from 'rx-http-kit/testing';

const LATE = { status: 503, headers: { 'retry-after': undefined }, body: 'the server took too long' };

describe('timeout', () => {
  it('answers in place of a handler that says nothing, and lets it go', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold('      ------a|');
      const worked = '          ^----!   ';
      const expected = '        -----(x|)';
      const handler = timeout({ firstMs: 5 })(() => work$);
      expectObservable(of(request('/')).pipe(handler)).toBe(expected, { x: LATE });
      expectSubscriptions(work$.subscriptions).toBe(worked);
    });
  });

  it('lets what has begun take its time', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold('      ----a 10ms b-|');
      const worked = '          ^---- 10ms --!';
      const expected = '        ----a 10ms b-|';
      expectObservable(of(request('/')).pipe(timeout({ firstMs: 5 })(() => work$))).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(worked);
    });
  });

  it('leaves empty replies and errors as they are', () => {
    marbles(({ cold, expectObservable }) => {
      const error = new HttpError(418);
      expectObservable(of(request('/')).pipe(timeout({ firstMs: 5 })(() => cold('--|')))).toBe('--|');
      expectObservable(of(request('/')).pipe(timeout({ firstMs: 5 })(() => throwError(() => error)))).toBe('#', undefined, error);
    });
  });

  it('lets the handler go when its client leaves, and nothing comes afterwards', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold('      ----------a|');
      const worked = '          ^--!        ';
      const expected = '        ------------';
      expectObservable(of(request('/')).pipe(timeout({ firstMs: 5 })(() => work$)), worked).toBe(expected);
      expectSubscriptions(work$.subscriptions).toBe(worked);
    });
  });

  it('is a 504 where another server is late, and over the network, too', () => {
    marbles(({ network, expectReplies, cold }) => {
      const handler: Handler = timeout({ firstMs: 5, status: 504, retryAfter: 2 })(() => cold('10ms a|').pipe(map(() => 'x')));
      const client = network.server(handler).client({ sends: 'r', values: { r: 'GET / HTTP/1.1\r\nhost: x\r\n\r\n' } });
      expectReplies(client).toBe('-----a', { a: '504 another server took too long' });
    });
  });

  const refused: readonly (readonly [string, object])[] = [
    ['firstMs', {}],
    ['firstMs', { firstMs: -1 }],
    ['firstMs', { firstMs: 2_147_483_648 }],
    ['status', { firstMs: 1, status: 500 }],
    ['retryAfter', { firstMs: 1, retryAfter: 0.5 }],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => timeout(options as TimeoutOptions))
        .to.throw(OptionError)
        .with.property('option', option)); // what untyped callers say
  }
});
