import { expect } from 'chai';
import { map } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { forwardedScheme } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const schemeFrom = async (remoteAddr: string, proto: string, options = {}) =>
  (
    await inject(forwardedScheme(options)(map(({ scheme }) => scheme)), {
      remoteAddr,
      headers: { 'x-forwarded-proto': proto, 'x-scheme': 'https' },
    }).collect()
  ).text;

describe('forwardedScheme', () => {
  it('believes a proxy on this machine', async () => {
    for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      expect(await schemeFrom(peer, 'HTTPS'), peer).to.equal('https');
  });

  it('believes nobody else, unless told to', async () => {
    expect(await schemeFrom('192.0.2.1', 'https')).to.equal('http');
    expect(await schemeFrom('192.0.2.1', 'https', { proxies: ['192.0.2.0/24'] })).to.equal('https');
    expect(await schemeFrom('2001:db8::5', 'https', { proxies: ['2001:db8::/32'] })).to.equal('https');
    expect(await schemeFrom('127.0.0.1', 'https', { proxies: [] })).to.equal('http');
  });

  it('believes no scheme but http and https', async () => {
    for (const proto of ['ftp', 'https, http', 'javascript', '']) expect(await schemeFrom('127.0.0.1', proto)).to.equal('http');
  });

  it('reads another field', async () => expect(await schemeFrom('127.0.0.1', 'http', { header: 'X-Scheme' })).to.equal('https'));

  it('refuses what is no network', () => {
    expect(() => forwardedScheme({ proxies: ['10.0.0.0/99'] })).to.throw(OptionError, 'proxies');
    expect(() => forwardedScheme({ proxies: 'all' as unknown as string[] })).to.throw(OptionError, 'proxies');
  });
});
