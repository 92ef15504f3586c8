import { expect } from 'chai';
import { map } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { compose, forwardedScheme, sslRedirect } from 'rx-http-kit/middleware';
import { inject, type RequestParts } from 'rx-http-kit/testing';

const asked = async (parts: RequestParts, sslPort?: number) => {
  const handler = compose(forwardedScheme({ proxies: ['192.0.2.1'] }), sslRedirect({ sslPort }))(map(() => 'secret'));
  const { status, headers, text } = await inject(handler, parts).collect();
  return [status, headers['location'], text];
};

describe('sslRedirect', () => {
  it('sends to the same place by https', async () => {
    expect(await asked({ uri: '/a?b=c', headers: { host: 'a.example:8080' } })).to.deep.equal([301, 'https://a.example/a?b=c', '']);
    expect(await asked({ headers: { host: '[::1]:8080' } }, 8443)).to.deep.equal([301, 'https://[::1]:8443/', '']);
  });

  it('has a form posted again', async () => {
    expect(await asked({ method: 'POST', uri: '/a', body: 'x' })).to.deep.equal([307, 'https://test/a', '']);
  });

  it('lets https pass', async () => {
    expect(await asked({ headers: { 'x-forwarded-proto': 'https' } })).to.deep.equal([200, undefined, 'secret']);
  });

  it('refuses wrong options', () => expect(() => sslRedirect({ sslPort: 0 })).to.throw(OptionError, 'sslPort'));
});
