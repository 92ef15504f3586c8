import { json, OptionError, redirect } from '#src/index.js';
import { setCookie } from '#src/middleware/index.js';
import { inject } from '#src/testing/index.js';
import { expect } from 'chai';
import { map } from 'rxjs';

describe('setCookie', () => {
  it('adds cookies to a reply, safe unless told otherwise', async () => {
    const reply = setCookie(setCookie(redirect('/'), 'a', 'é;'), 'b', '2', { httpOnly: false, sameSite: 'none', secure: true, maxAge: 60 });
    const { status, headers } = await inject(
      map(() => reply),
      '/',
    ).collect();
    expect([status, headers['location'], headers['set-cookie'].split('\n')]).to.deep.equal([
      302,
      '/',
      ['a=%C3%A9%3B; Path=/; HttpOnly; SameSite=Lax', 'b=2; Max-Age=60; Path=/; Secure; SameSite=None'],
    ]);
  });

  it('keeps body and headers', () => {
    const { body, headers } = setCookie(json(1), 'a', '1');
    expect([body, [...(headers as Iterable<unknown>)][0]]).to.deep.equal(['1', ['content-type', 'application/json']]); // a list, see withAddedHeader
    expect(setCookie('text', 'a', '1').body).to.equal('text');
  });

  it('refuses what no browser takes, or would end the field', () => {
    expect(() => setCookie('x', 'a;b', '1')).to.throw(OptionError);
    expect(() => setCookie('x', 'a', '1', { path: '/;x' })).to.throw(OptionError);
    expect(() => setCookie('x', 'a', '1', { sameSite: 'none' })).to.throw(OptionError);
    expect(() => setCookie('x', '__Host-a', '1')).to.throw(OptionError);
  });
});
