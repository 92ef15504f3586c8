import { expect } from 'chai';
import { map, pipe } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import { type NestedParams, nestedParams, params } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

let last: NestedParams = {};
const kept: Handler = pipe(
  params(),
  nestedParams(),
  map((request) => {
    last = request.nestedParams;
    return 'x';
  }),
);
const nested = async (query: string): Promise<NestedParams> => {
  expect((await inject(kept, `/?${query}`).collect()).status).to.equal(200);
  return last;
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('nestedParams', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['a[b]=1&a[c]=2', { a: { b: '1', c: '2' } }],
    ['a[]=1&a[]=2', { a: ['1', '2'] }],
    ['a=1&a=2', { a: ['1', '2'] }],
    ['a[0][b]=1&a[1][b]=2', { a: [{ b: '1' }, { b: '2' }] }],
    ['a%5Bb%5D=1', { a: { b: '1' } }],
    ['a[1000000000]=1', { a: { '1000000000': '1' } }],
    ['a=1', { a: '1' }],
  ];
  for (const [query, value] of cases)
    it(`makes ${JSON.stringify(value)} of ${query}`, async () => expect(plain(await nested(query))).to.deep.equal(value));

  const pollutions = [
    '__proto__[polluted]=1',
    '__proto__.polluted=1',
    'a[__proto__][polluted]=1',
    'a[b][__proto__][polluted]=1',
    '[__proto__][polluted]=1',
    'constructor[prototype][polluted]=1',
    'a[constructor][prototype][polluted]=1',
    '__proto__=polluted',
    '%5f%5fproto%5f%5f[polluted]=1',
    'a[]=x&a[__proto__][polluted]=1',
    'toString[polluted]=1',
    'hasOwnProperty=1',
  ];
  for (const query of pollutions) {
    it(`reaches no prototype with ${query}`, async () => {
      const made = await nested(query);
      expect(Object.getPrototypeOf(made)).to.equal(null);
      const merged: Record<string, unknown> = {};
      const merge = (into: Record<string, unknown>, from: NestedParams): void => {
        // as careless as applications are
        for (const key in from) {
          const value = from[key];
          if (typeof value === 'object') merge((into[key] ??= {}) as Record<string, unknown>, value as NestedParams);
          else into[key] = value;
        }
      };
      const toStringBefore = Object.prototype.toString;
      merge(merged, made);
      expect([({} as Record<string, unknown>)['polluted'], Object.prototype.toString]).to.deep.equal([undefined, toStringBefore]);
      delete (toStringBefore as unknown as Record<string, unknown>)['polluted'];
    });
  }

  it('answers 400 to what is nested too deep', async () => {
    const deep = `a${'[b]'.repeat(6)}=1`;
    expect((await inject(kept, `/?${deep}`).collect()).status).to.equal(400);
    expect((await inject(kept, `/?a${'[b]'.repeat(2_000)}=1`).collect()).status).to.equal(400);
  });

  it('refuses wrong options', () => expect(() => nestedParams({ depth: 1.5 })).to.throw(OptionError, 'depth'));
});
