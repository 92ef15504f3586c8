import { expect } from 'chai';
import { map, mergeMap, of, throwError } from 'rxjs';
import { type Handler, HttpError, type HttpResponse, OptionError } from 'rx-http-kit';
import { rateLimit, type RateLimitOptions } from 'rx-http-kit/middleware';
import { inject, marbles, request } from 'rx-http-kit/testing';

/** Requests as a diagram, each answered with its status, what is left, and the seconds that it is told to wait. */
const answersTo = (
  diagram: string,
  options: RateLimitOptions,
  expected: string,
  values: Record<string, string>,
  addresses: Record<string, string> = {},
) =>
  marbles(({ cold, expectObservable }) => {
    const handler = rateLimit(options)(map(() => 'x'));
    const answers$ = cold(diagram).pipe(
      mergeMap((letter) => of(request({ uri: '/', remoteAddr: addresses[letter] ?? '192.0.2.1' })).pipe(handler)),
      map((reply) => {
        const { status = 200, headers } = reply as HttpResponse; // the middleware makes no other
        const fields = headers as Record<string, string | number>; // it makes no iterables
        return [status, fields['ratelimit'], fields['retry-after']].filter((part) => part !== undefined).join(' ');
      }),
    );
    expectObservable(answers$).toBe(expected, values);
  });

describe('rateLimit', () => {
  it('lets so many come at once, and then as many as tokens come back', () => {
    answersTo('(aaa) 495ms a 499ms a a|', { limit: 2, windowMs: 1_000 }, '(abc) 495ms d 499ms e f|', {
      a: '200 "default";r=1;t=1',
      b: '200 "default";r=0;t=1',
      c: '429 "default";r=0;t=1 1',
      d: '200 "default";r=0;t=1',
      e: '200 "default";r=0;t=1',
      f: '429 "default";r=0;t=1 1',
    });
  });

  it('says how long it takes until there is a token', () => {
    answersTo('a 9s a 51s a|', { limit: 1, windowMs: 60_000 }, 'a 9s b 51s c|', {
      a: '200 "default";r=0;t=60',
      b: '429 "default";r=0;t=51 51',
      c: '200 "default";r=0;t=60',
    });
  });

  it('counts for each client by itself, and a network of IPv6 as one', () => {
    const addresses = { a: '192.0.2.1', b: '192.0.2.2', c: '2001:db8::1', d: '2001:db8::2', e: '2001:db8:0:1::1', f: '::ffff:192.0.2.1' };
    const left = '200 "q";r=0;t=1';
    const none = '429 "q";r=0;t=1 1';
    answersTo(
      '(abcdef|)',
      { limit: 1, windowMs: 1_000, name: 'q' },
      '(abcdef|)',
      { a: left, b: left, c: left, d: none, e: left, f: none },
      addresses,
    );
  });

  it('remembers so many clients, and those that were seen last', () => {
    const addresses = { a: '192.0.2.1', b: '192.0.2.2', c: '192.0.2.3' };
    const left = '200 "default";r=1;t=1';
    const fewer = '200 "default";r=0;t=1';
    answersTo(
      '(abacb a|)',
      { limit: 2, windowMs: 2_000, maxKeys: 2 },
      '(abxcy z|)',
      { a: left, b: left, x: fewer, c: left, y: left, z: left },
      addresses,
    );
  });

  it('does not count who has no key', () => {
    marbles(({ expectObservable }) => {
      const handler = rateLimit({ limit: 1, windowMs: 1_000, key: () => null })(map(() => 'x'));
      expectObservable(of(request('/'), request('/')).pipe(handler)).toBe('(xx|)', { x: 'x' });
    });
  });

  it('says what is left in all replies, and shares its buckets among handlers', async () => {
    const limited = rateLimit({ limit: 3, windowMs: 60_000, name: 'api' });
    const failing: Handler = () => throwError(() => new HttpError(418));
    const failed = await inject(limited(failing), '/').collect();
    expect([failed.status, failed.headers['ratelimit-policy'], failed.headers['ratelimit']]).to.deep.equal([
      418,
      '"api";q=3;w=60',
      '"api";r=2;t=20',
    ]);
    const { headers } = await inject(limited(map(() => 'x')), '/').collect();
    expect(headers['ratelimit']).to.match(/^"api";r=1;/);
  });

  const refused: readonly (readonly [string, object])[] = [
    ['limit', { windowMs: 1 }],
    ['limit', { limit: 0, windowMs: 1 }],
    ['windowMs', { limit: 1 }],
    ['key', { limit: 1, windowMs: 1, key: 'ip' }],
    ['maxKeys', { limit: 1, windowMs: 1, maxKeys: 0 }],
    ['name', { limit: 1, windowMs: 1, name: 'a"b' }],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => rateLimit(options as RateLimitOptions))
        .to.throw(OptionError)
        .with.property('option', option)); // what untyped callers say
  }
});
