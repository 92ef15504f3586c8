import { expect } from 'chai';
import { map } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { absoluteRedirects } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const redirected = async (location: string, options = {}, status = 302) => {
  const handler = absoluteRedirects(options)(map(() => ({ status, headers: { Location: location } })));
  const reply = await inject(handler, { uri: '/shop/cart?x=1', headers: { host: 'a.example:80' } }).collect();
  return reply.status === status ? reply.headers['location'] : reply.status;
};

describe('absoluteRedirects', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/login?a=b#c', 'http://a.example/login?a=b#c'],
    ['pay', 'http://a.example/shop/pay'],
    ['?page=2', 'http://a.example/shop/cart?page=2'],
    ['../', 'http://a.example/'],
    ['https://b.example/x', 'https://b.example/x'],
    ['mailto:a@b.example', 'mailto:a@b.example'],
  ];
  for (const [given, sent] of cases) it(`makes ${sent} of ${given}`, async () => expect(await redirected(given)).to.equal(sent));

  it('takes the origin that it was given', async () => {
    expect(await redirected('/login', { origin: 'https://www.example' })).to.equal('https://www.example/login');
    expect(() => absoluteRedirects({ origin: 'www.example' })).to.throw(OptionError, 'origin');
  });

  it('touches locations of redirects only', async () => expect(await redirected('/x', {}, 200)).to.equal('/x'));

  it('hides no line break: the reply fails', async () => {
    for (const location of ['/x\r\nset-cookie: a=b', '/x\nset-cookie: a=b', '/\r/evil.example'])
      expect(await redirected(location)).to.equal(500);
  });
});
