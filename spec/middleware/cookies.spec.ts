import { expect } from 'chai';
import { map, pipe } from 'rxjs';
import { type Handler, OptionError, type Reply } from 'rx-http-kit';
import { compose, cookies, type CookiesOptions, type CookiesResponse, forwardedScheme } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const SECRET = 'a secret of at least 32 characters';
const OLDER = 'an older secret of 32 characters or more';

const set = async (toSet: CookiesResponse['cookies'], options?: CookiesOptions, headers: Record<string, string> = {}) => {
  const handler: Handler = map((): Reply => ({ body: 'x', cookies: toSet }) as CookiesResponse);
  const reply = await inject(compose(forwardedScheme({ proxies: ['192.0.2.1'] }), cookies(options))(handler), { headers }).collect();
  return reply.status === 200 ? (reply.headers['set-cookie']?.split('\n') ?? []) : [String(reply.status)];
};
const read = async (cookie: string, options?: CookiesOptions) => {
  const handler: Handler = pipe(
    cookies(options),
    map(({ cookies: all, signedCookies }) => JSON.stringify({ all, signedCookies })),
  );
  return (await inject(handler, { headers: { cookie } }).collect()).json();
};

describe('cookies', () => {
  it('reads those of a request', async () => {
    expect(await read('a=1; b=%C3%A9; c="q"; a=2; d; __proto__=x; toString=y')).to.deep.equal(
      JSON.parse('{"all":{"a":"1","b":"é","c":"\\"q\\"","__proto__":"x","toString":"y"},"signedCookies":{}}'),
    );
    expect(await read('')).to.deep.equal({ all: {}, signedCookies: {} });
    expect(await read('a=%zz')).to.deep.include({ all: { a: '%zz' } });
  });

  it('sets those of a reply, safely unless told otherwise', async () => {
    expect(await set({ a: '1', b: { value: 'x y;é', path: '/p', httpOnly: false, sameSite: 'strict', maxAge: 60 } })).to.deep.equal([
      'a=1; Path=/; HttpOnly; SameSite=Lax',
      'b=x%20y%3B%C3%A9; Max-Age=60; Path=/p; SameSite=Strict',
    ]);
    expect(await set({ a: '1' }, {}, { 'x-forwarded-proto': 'https' })).to.deep.equal(['a=1; Path=/; HttpOnly; Secure; SameSite=Lax']);
    expect(await set({ a: '1' }, { attributes: { domain: 'a.example', secure: true } })).to.deep.equal([
      'a=1; Domain=a.example; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
  });

  it('takes one away', async () => {
    expect(await set({ a: null })).to.deep.equal(['a=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax']);
  });

  it('signs, and believes what it has signed', async () => {
    const [line] = await set({ user: { value: 'ann', signed: true } }, { secrets: [SECRET] });
    const cookie = line.split(';', 1)[0];
    expect(await read(cookie, { secrets: [SECRET] })).to.deep.include({ signedCookies: { user: 'ann' } });
    expect(await read(cookie, { secrets: [OLDER, SECRET] }), 'another secret in front').to.deep.include({ signedCookies: { user: 'ann' } });
    for (const [what, forged] of [
      ['another value', cookie.replace('ann', 'bob')],
      ['another name', cookie.replace('user', 'admin')],
      ['a signature cut off', cookie.slice(0, -1)],
      ['no signature', 'user=ann'],
      ['an empty one', 'user=ann.'],
    ]) {
      expect(await read(forged, { secrets: [SECRET] }), what).to.deep.include({ signedCookies: {} });
    }
    expect(await read(cookie, { secrets: [OLDER] }), 'a secret taken away').to.deep.include({ signedCookies: {} });
  });

  const injections: readonly (readonly [string, CookiesResponse['cookies']])[] = [
    ['a name with a line break', { 'a\r\nset-cookie: b': '1' }],
    ['a name with an equals sign', { 'a=b': '1' }],
    ['a name with a semicolon', { 'a;b': '1' }],
    ['an empty name', { '': '1' }],
    ['a path with a line break', { a: { value: '1', path: '/\r\nx: y' } }],
    ['a path with a semicolon', { a: { value: '1', path: '/; Domain=evil.example' } }],
    ['a domain with a line break', { a: { value: '1', domain: 'a.example\r\nx: y' } }],
    ['no text', { a: 1 as unknown as string }],
    ['more than browsers keep', { a: 'x'.repeat(4_095) }],
    ['a signature without a secret', { a: { value: '1', signed: true } }],
  ];
  for (const [what, toSet] of injections) {
    it(`fails a reply that sets ${what}`, async () => expect(await set(toSet)).to.deep.equal(['500']));
  }

  it('sets as much as browsers keep', async () => expect((await set({ a: 'x'.repeat(4_094) }))[0]).to.have.length.above(4_096));

  it('escapes a value whatever is in it', async () => {
    expect((await set({ a: 'x\r\nset-cookie: b=1; Domain=evil.example' }))[0]).to.match(
      /^a=x%0D%0Aset-cookie%3A%20b%3D1%3B%20Domain%3Devil.example; Path/,
    );
  });

  const refused: readonly (readonly [string, CookiesOptions])[] = [
    ['secrets', { secrets: ['short'] }],
    ['secrets', { secrets: [] }],
    ['sameSite', { attributes: { sameSite: 'none', secure: false } }],
    ['cookie', { attributes: { path: '/;' } }],
    ['maxage', { attributes: { maxage: 1 } as object }],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => cookies(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});
