import { type Handler, OptionError } from '#src/index.js';
import { absoluteRedirects, compose, forwarded, type ForwardedTrust, sslRedirect } from '#src/middleware/index.js';
import { inject, request } from '#src/testing/index.js';
import { expect } from 'chai';
import { map, of } from 'rxjs';

const shows: Handler = map(({ remoteAddr, scheme, serverName, serverPort }) => `${scheme}://${serverName}:${serverPort} ${remoteAddr}`);

const seen = (options: ForwardedTrust, headers: Record<string, string>, remoteAddr = '10.0.0.1'): unknown => {
  let answer: unknown;
  forwarded(options)(shows)(of(request({ headers: { host: 'inside:8090', ...headers }, remoteAddr }))).subscribe(
    (reply) => (answer = reply),
  );
  return answer;
};

const UNTOUCHED = 'http://inside:8090';

describe('forwarded', () => {
  const x: readonly (readonly [fact: string, headers: Record<string, string>, expected: string, from?: string])[] = [
    ['nothing without a field', {}, `${UNTOUCHED} 10.0.0.1`],
    [
      'nothing from a stranger',
      { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil' },
      `${UNTOUCHED} 198.51.100.9`,
      '198.51.100.9',
    ],
    ['the client behind one proxy', { 'x-forwarded-for': '192.0.2.1' }, `${UNTOUCHED} 192.0.2.1`],
    ['the last that is not trusted', { 'x-forwarded-for': '203.0.113.7, 192.0.2.1, 10.0.0.2' }, `${UNTOUCHED} 192.0.2.1`],
    ['what a client claims to be, never', { 'x-forwarded-for': '127.0.0.1, 192.0.2.1' }, `${UNTOUCHED} 192.0.2.1`],
    ['the farthest proxy, where all are', { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' }, `${UNTOUCHED} 10.0.0.3`],
    ['the chain up to what is no address', { 'x-forwarded-for': '192.0.2.1, unknown, 10.0.0.2' }, `${UNTOUCHED} 10.0.0.2`],
    ['the chain up to an empty member', { 'x-forwarded-for': '192.0.2.1,, 10.0.0.2' }, `${UNTOUCHED} 10.0.0.2`],
    ['addresses with ports', { 'x-forwarded-for': '192.0.2.1:4711' }, `${UNTOUCHED} 192.0.2.1`],
    ['IPv6', { 'x-forwarded-for': '2001:db8::1' }, `${UNTOUCHED} 2001:db8::1`],
    ['IPv6 with a port', { 'x-forwarded-for': '[2001:db8::1]:4711' }, `${UNTOUCHED} 2001:db8::1`],
    ['a proxy that is IPv4 within IPv6', { 'x-forwarded-for': '192.0.2.1' }, `${UNTOUCHED} 192.0.2.1`, '::ffff:10.0.0.1'],
    [
      'scheme and host',
      { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com' },
      'https://example.com:443 192.0.2.1',
    ],
    ['a port of the host', { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com:8443' }, 'https://example.com:8443 10.0.0.1'],
    [
      'a port by itself',
      { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'example.com', 'x-forwarded-port': '444' },
      'https://example.com:444 10.0.0.1',
    ],
    ['a host that is IPv6', { 'x-forwarded-host': '[::1]:81' }, 'http://[::1]:81 10.0.0.1'],
    [
      'the scheme of the proxy that is trusted, not of who came before',
      { 'x-forwarded-for': '127.0.0.1, 192.0.2.1', 'x-forwarded-proto': 'https, http' },
      'http://inside:8090 192.0.2.1',
    ],
    [
      'the scheme of the farthest trusted proxy',
      { 'x-forwarded-for': '192.0.2.1, 10.0.0.2', 'x-forwarded-proto': 'https, http' },
      'https://inside:8090 192.0.2.1',
    ],
    ['no scheme that is none', { 'x-forwarded-proto': 'gopher' }, `${UNTOUCHED} 10.0.0.1`],
    ['no host that is none', { 'x-forwarded-host': 'evil/path' }, `${UNTOUCHED} 10.0.0.1`],
    ['no host of user and host', { 'x-forwarded-host': 'user@evil' }, `${UNTOUCHED} 10.0.0.1`],
    ['no port that is none', { 'x-forwarded-port': '99999' }, `${UNTOUCHED} 10.0.0.1`],
    ['nothing of the other family', { forwarded: 'for=192.0.2.1;proto=https' }, `${UNTOUCHED} 10.0.0.1`],
    [
      'its own family where both are there',
      { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=127.0.0.1;proto=https' },
      `${UNTOUCHED} 192.0.2.1`,
    ],
  ];
  for (const [fact, headers, expected, from] of x) {
    it(`takes from x-forwarded fields ${fact}`, () => {
      expect(seen({ trust: ['10.0.0.0/8'] }, headers, from)).to.equal(expected);
    });
  }

  const standard: readonly (readonly [fact: string, field: string, expected: string])[] = [
    ['one hop', 'for=192.0.2.1;proto=https;host=example.com', 'https://example.com:443 192.0.2.1'],
    ['names in any case, and spaces', 'For="192.0.2.1" ; Proto=HTTPS', 'https://inside:8090 192.0.2.1'],
    ['IPv6 in quotes, with a port', 'for="[2001:db8::1]:4711"', `${UNTOUCHED} 2001:db8::1`],
    ['IPv4 with a port', 'for="192.0.2.1:4711"', `${UNTOUCHED} 192.0.2.1`],
    ['a host with a port', 'for=192.0.2.1;host="example.com:8443"', 'http://example.com:8443 192.0.2.1'],
    ['the last that is not trusted', 'for=127.0.0.1;proto=https, for=192.0.2.1;proto=http, for=10.0.0.2', 'http://inside:8090 192.0.2.1'],
    ['nothing behind unknown', 'for=192.0.2.1, for=unknown, for=10.0.0.2', `${UNTOUCHED} 10.0.0.2`],
    ['nothing behind a hidden name, but its scheme', 'for=192.0.2.1, for=_secret;proto=https', 'https://inside:8090 10.0.0.1'],
    ['commas in quotes', 'for=192.0.2.1;host="a,b", for=10.0.0.2', `${UNTOUCHED} 192.0.2.1`],
    ['escaped quotes', 'for=192.0.2.1;ext="a\\",b", for=10.0.0.2', `${UNTOUCHED} 192.0.2.1`],
    ['what is right behind a quote that a client has left open', 'for="127.0.0.1, for=192.0.2.1', `${UNTOUCHED} 192.0.2.1`],
    ['nothing of an element that is malformed', 'for=192.0.2.1;proto', `${UNTOUCHED} 10.0.0.1`],
    ['nothing of an element that says something twice', 'for=192.0.2.1;for=192.0.2.2', `${UNTOUCHED} 10.0.0.1`],
    ['nothing of IPv6 without brackets and quotes', 'for=2001:db8::1', `${UNTOUCHED} 10.0.0.1`],
    ['nothing for an empty field', '', `${UNTOUCHED} 10.0.0.1`],
    ['hops between empty members', ', for=192.0.2.1, ,', `${UNTOUCHED} 192.0.2.1`],
  ];
  for (const [fact, field, expected] of standard) {
    it(`takes from the standard field ${fact}`, () => {
      expect(seen({ trust: ['10.0.0.0/8'], fields: 'forwarded' }, { forwarded: field, 'x-forwarded-for': '203.0.113.1' })).to.equal(
        expected,
      );
    });
  }

  it('knows the port of a scheme where no port is named', () => {
    const trust = ['10.0.0.0/8'];
    expect(seen({ trust }, { host: 'example.com', 'x-forwarded-proto': 'https' })).to.equal('https://example.com:443 10.0.0.1');
    expect(seen({ trust }, { host: 'example.com', 'x-forwarded-for': '192.0.2.1' })).to.equal('http://example.com:80 192.0.2.1');
  });

  it('tells the middleware inside which host the client has asked for', async () => {
    const inside = compose(forwarded({ trust: ['loopback'] }), sslRedirect(), absoluteRedirects());
    const home: Handler = map(() => ({ status: 303, headers: { location: '/home' } }));
    const ask = async (headers: Record<string, string>, remoteAddr = '127.0.0.1') =>
      (await inject(inside(home), { headers: { host: 'inside:8090', ...headers }, remoteAddr }).collect()).headers['location'];
    expect(await ask({ 'x-forwarded-host': 'a.example' })).to.equal('https://a.example/');
    expect(await ask({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example' })).to.equal('https://a.example/home');
    expect(await ask({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example:8443' })).to.equal('https://a.example:8443/home');
    expect(await ask({ host: 'a.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '444' })).to.equal(
      'https://a.example:444/home',
    );
    expect(await ask({ host: 'a.example', 'x-forwarded-proto': 'https' })).to.equal('https://a.example/home');
    expect(await ask({ 'x-forwarded-host': 'evil.example' }, '192.0.2.1')).to.equal('https://inside/');
  });

  it('trusts a Unix socket where it is told to', () => {
    expect(seen({ trust: ['unix'] }, { 'x-forwarded-for': '192.0.2.1' }, '')).to.equal(`${UNTOUCHED} 192.0.2.1`);
    expect(seen({ trust: [] }, { 'x-forwarded-for': '192.0.2.1' })).to.equal(`${UNTOUCHED} 10.0.0.1`);
  });

  it('refuses what is no address, and fields that are none', () => {
    for (const odd of ['10.0.0.0/33', '10', '10/8', '010.0.0.1', '0x0a000001', '10.0.0/24', '10.0.0.0/8/8', '::/129', '']) {
      expect(() => forwarded({ trust: [odd] }), odd).to.throw(OptionError);
    }
    expect(() => forwarded({ trust: ['proxy.example'] })).to.throw(OptionError);
    expect(() => forwarded({} as ForwardedTrust)).to.throw(OptionError, 'trust'); // untyped callers
    expect(() => forwarded({ trust: [], fields: 'both' as 'forwarded' })).to.throw(OptionError, 'fields'); // untyped callers
  });
});
