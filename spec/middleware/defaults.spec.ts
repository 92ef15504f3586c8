import { expect } from 'chai';
import { map } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import {
  antiForgeryToken,
  apiDefaults,
  type Defaults,
  defaults,
  secureApiDefaults,
  secureSiteDefaults,
  siteDefaults,
} from 'rx-http-kit/middleware';
import { inject, type RequestParts } from 'rx-http-kit/testing';

const page: Handler = map(() => ({ headers: { 'content-type': 'text/html' }, body: '<p>hello</p>' }));
const asked = (preset: Defaults, parts: RequestParts = {}, handler = page) => inject(defaults(preset)(handler), parts).collect();
const HTTPS = { 'x-forwarded-proto': 'https' };
const PROXY = { proxy: { proxies: ['192.0.2.1'] } };

describe('defaults', () => {
  it('are plain data that nobody changes', () => {
    for (const preset of [apiDefaults, siteDefaults, secureApiDefaults, secureSiteDefaults]) {
      expect(JSON.parse(JSON.stringify(preset))).to.deep.equal(preset);
      expect(Object.isFrozen(preset)).to.equal(true);
    }
  });

  it('of an API: a charset, types, 304, parameters, and nothing for browsers', async () => {
    const { headers } = await asked(apiDefaults, { uri: '/a.json' });
    expect(headers['content-type']).to.equal('text/html; charset=utf-8');
    expect(headers).to.not.have.any.keys('x-frame-options', 'set-cookie', 'strict-transport-security');
    expect((await asked(apiDefaults, { method: 'POST', body: 'x' })).status).to.equal(200);
  });

  it('of a site: no frames, no guessing, no forged posts, strict cookies', async () => {
    const handler: Handler = map((request) => antiForgeryToken(request));
    const { headers } = await asked(siteDefaults, {}, handler);
    expect(headers).to.include({ 'x-frame-options': 'sameorigin', 'x-content-type-options': 'nosniff' });
    expect(headers['set-cookie']).to.match(/^session=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await asked(siteDefaults, { method: 'POST', body: 'x' })).status).to.equal(403);
  });

  for (const [name, preset] of Object.entries({ secureApiDefaults, secureSiteDefaults })) {
    it(`${name} lead to https, and stay there`, async () => {
      expect((await asked(preset)).status).to.equal(301);
      expect((await asked(preset, { headers: HTTPS })).status, 'a client that says so itself').to.equal(301);
      const { status, headers } = await asked({ ...preset, ...PROXY }, { headers: HTTPS });
      expect([status, headers['strict-transport-security']]).to.deep.equal([200, 'max-age=31536000; includeSubDomains']);
    });
  }

  it('of a secure site: a cookie that no subdomain can set', async () => {
    const handler: Handler = map((request) => antiForgeryToken(request));
    const { headers } = await asked({ ...secureSiteDefaults, ...PROXY }, { headers: HTTPS }, handler);
    expect(headers['set-cookie']).to.match(/^__Host-session=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  });

  it('serve folders before the handler, behind what is around all replies', async () => {
    const preset = { ...siteDefaults, static: { resources: new URL('../../../examples/', import.meta.url), files: ['docs'] } };
    const { status, headers } = await asked(preset, { uri: '/demo.html' });
    expect([status, headers['content-type'], headers['x-frame-options']]).to.deep.equal([200, 'text/html; charset=utf-8', 'sameorigin']);
    expect((await asked(preset, { uri: '/options.md' })).status).to.equal(200);
    expect((await asked(preset, { uri: '/../package.json' })).text).to.equal('<p>hello</p>');
  });

  it('take other options and leave parts away', async () => {
    const { headers } = await asked({
      ...siteDefaults,
      security: { frameOptions: 'deny', antiForgery: false },
      responses: { defaultCharset: 'ascii' },
    });
    expect([headers['x-frame-options'], headers['x-content-type-options'], headers['content-type']]).to.deep.equal([
      'deny',
      undefined,
      'text/html; charset=ascii',
    ]);
    expect((await asked({ ...siteDefaults, security: {} }, { method: 'POST', body: 'x' })).status).to.equal(200);
    expect((await asked({})).headers['content-type']).to.equal('text/html');
  });

  it('believe a proxy in all that it says, where it is told whom to trust', async () => {
    const site = defaults({ ...secureApiDefaults, proxy: { trust: ['loopback'] } });
    const headers = { host: 'inside', 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example' };
    const shown: Handler = map(({ scheme, serverName, remoteAddr }) => `${scheme} ${serverName} ${remoteAddr}`);
    expect((await inject(site(shown), { headers, remoteAddr: '127.0.0.1' }).collect()).text).to.equal('https a.example 192.0.2.1');
    const stranger = await inject(site(shown), { headers, remoteAddr: '192.0.2.9' }).collect();
    expect([stranger.status, stranger.headers['location']]).to.deep.equal([301, 'https://inside/']);
  });

  it('refuse what they do not know', () => {
    expect(() => defaults({ secure: true } as Defaults)).to.throw(OptionError, 'secure');
    expect(() => defaults({ proxy: null } as unknown as Defaults)).to.throw(OptionError, 'is null, must be an object'); // untyped callers
    expect(() => defaults({ params: { urlEncoded: true } } as Defaults)).to.throw(OptionError, 'urlEncoded');
    expect(() => defaults({ security: { frames: 'deny' } } as Defaults)).to.throw(OptionError, 'frames');
    expect(() => defaults({ session: true } as unknown as Defaults)).to.throw(OptionError, 'session');
    expect(() => defaults({ ...siteDefaults, session: false })).to.throw(OptionError, 'antiForgery');
  });
});
