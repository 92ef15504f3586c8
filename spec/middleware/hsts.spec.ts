import { expect } from 'chai';
import { map } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { compose, forwardedScheme, hsts, type HstsOptions } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const saidWith = async (options: HstsOptions | undefined, proto = 'https'): Promise<string | undefined> => {
  const handler = compose(forwardedScheme({ proxies: ['192.0.2.1'] }), hsts(options))(map(() => 'x'));
  return (await inject(handler, { headers: { 'x-forwarded-proto': proto } }).collect()).headers['strict-transport-security'];
};

describe('hsts', () => {
  it('asks for a year of https, with subdomains', async () => expect(await saidWith({})).to.equal('max-age=31536000; includeSubDomains'));

  it('says nothing over http', async () => expect(await saidWith({}, 'http')).to.equal(undefined)); // RFC 6797 §7.2

  it('says what it was told to', async () => {
    expect(await saidWith({ maxAge: 0, includeSubdomains: false })).to.equal('max-age=0');
    expect(await saidWith({ preload: true })).to.equal('max-age=31536000; includeSubDomains; preload');
  });

  it('refuses wrong options', () => {
    expect(() => hsts({ maxAge: -1 })).to.throw(OptionError, 'maxAge');
    expect(() => hsts({ preload: true, includeSubdomains: false })).to.throw(OptionError, 'preload');
  });
});
