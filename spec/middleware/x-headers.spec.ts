import { expect } from 'chai';
import { EMPTY, map, throwError } from 'rxjs';
import { HttpError, OptionError } from 'rx-http-kit';
import { xHeaders, type XHeadersOptions } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const NAMES = ['x-frame-options', 'x-content-type-options', 'x-xss-protection'];
const fieldsWith = async (options?: XHeadersOptions, handler = map(() => ({ body: 'x' }))) => {
  const { headers } = await inject(xHeaders(options)(handler), '/').collect();
  return NAMES.map((name) => headers[name]);
};

describe('xHeaders', () => {
  it('forbids frames and guessing', async () => expect(await fieldsWith()).to.deep.equal(['sameorigin', 'nosniff', undefined]));

  it('says what it was told to', async () => {
    expect(await fieldsWith({ frameOptions: 'deny', contentTypeOptions: false, xssProtection: '0' })).to.deep.equal([
      'deny',
      undefined,
      '0',
    ]);
  });

  it('lets a handler say otherwise', async () => {
    const { headers } = await inject(xHeaders()(map(() => ({ headers: { 'X-Frame-Options': 'deny' }, body: 'x' }))), '/').collect();
    expect(headers['x-frame-options']).to.equal('deny');
  });

  it('speaks on errors and for missing handlers, too', async () => {
    const refused = await inject(
      xHeaders()(() => throwError(() => new HttpError(418, 'tea', { headers: { 'x-tea': 'green' } }))),
      '/',
    ).collect();
    expect([refused.status, refused.text, refused.headers['x-tea'], refused.headers['x-frame-options']]).to.deep.equal([
      418,
      'tea',
      'green',
      'sameorigin',
    ]);
    const failed = await inject(
      xHeaders()(() => throwError(() => new Error('boom'))),
      '/',
    ).collect();
    expect([failed.status, failed.headers['x-frame-options'], failed.events.length]).to.deep.equal([500, 'sameorigin', 1]);
    const missing = await inject(
      xHeaders()(() => EMPTY),
      '/',
    ).collect();
    expect([missing.status, missing.headers['x-frame-options']]).to.deep.equal([404, 'sameorigin']);
  });

  it('refuses what no browser knows', () => {
    expect(() => xHeaders({ frameOptions: 'allow' as 'deny' })).to.throw(OptionError, 'frameOptions');
  });
});
