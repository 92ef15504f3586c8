import { created, HandlerError, html, type HttpResponse, json, notFound, redirect } from 'rx-http-kit';
import { inject } from 'rx-http-kit/testing';
import { expect } from 'chai';
import { map } from 'rxjs';

/** What a client gets: status, one header, text. */
const sent = async (reply: HttpResponse, header: string): Promise<unknown[]> => {
  const { status, headers, text } = await inject(
    map(() => reply),
    '/',
  ).collect();
  return [status, headers[header], text];
};
const refused = (make: () => unknown, code: string) => expect(make, code).to.throw(HandlerError).with.property('code', code);

describe('redirect', () => {
  it('sends a client elsewhere, by 302 as in Ring, or by the status that it is given', async () => {
    expect(await sent(redirect('/login'), 'location')).to.deep.equal([302, '/login', '']);
    for (const status of [301, 302, 303, 307, 308] as const) {
      expect(await sent(redirect('/a?b=c#d', status), 'location')).to.deep.equal([status, '/a?b=c#d', '']);
    }
    expect(await sent(redirect(new URL('https://example.com/é')), 'location')).to.deep.equal([302, 'https://example.com/%C3%A9', '']);
  });

  const places: readonly (readonly [place: string, location: string])[] = [
    ['', ''],
    ['../up?x#y', '../up?x#y'],
    ['/a b', '/a%20b'],
    ['/a%20b', '/a%20b'],
    ['/café', '/caf%C3%A9'],
    ['/😀', '/%F0%9F%98%80'],
    ['/\\evil.example', '/%5Cevil.example'],
    ['/"<>`{|}^', '/%22%3C%3E%60%7B%7C%7D%5E'],
    ["http://[::1]:80/!$&'()*+,;=:@~-._", "http://[::1]:80/!$&'()*+,;=:@~-._"],
  ];
  for (const [place, location] of places) {
    it(`writes ${JSON.stringify(place)} as ${JSON.stringify(location)}`, () => {
      expect(redirect(place).headers).to.deep.equal({ location });
    });
  }

  it('refuses what would split or break a field', () => {
    for (const place of ['/a\r\nset-cookie: x=y', '/a\n', '/a\0', '/a\t', '/\x7f', '/\x85', '/\ud800']) {
      refused(() => redirect(place), 'RHK_BAD_HEADER');
    }
    refused(() => redirect(undefined as unknown as string), 'RHK_BAD_HEADER'); // untyped callers
    refused(() => redirect('/', 200 as unknown as 301), 'RHK_BAD_STATUS'); // untyped callers
  });

  it('keeps other headers, and no other location', async () => {
    const reply = redirect('/a', 303, { headers: { Location: '/b', 'x-c': 'd' } });
    expect([...(reply.headers as Iterable<unknown>)]).to.deep.equal([
      ['location', '/a'],
      ['x-c', 'd'],
    ]); // a list, see withHeader
    expect(await sent(reply, 'x-c')).to.deep.equal([303, 'd', '']);
  });
});

describe('created', () => {
  it('is 201 with a location and the reply’s body and headers', async () => {
    expect(await sent(created('/notes/7'), 'location')).to.deep.equal([201, '/notes/7', '']);
    expect(await sent(created('/notes/7', 'made'), 'location')).to.deep.equal([201, '/notes/7', 'made']);
    expect(await sent(created('/é', json({ id: 7 }, { status: 200 })), 'location')).to.deep.equal([201, '/%C3%A9', '{"id":7}']);
    expect(await sent(created('/notes/7', json({ id: 7 })), 'content-type')).to.deep.equal([201, 'application/json', '{"id":7}']);
    refused(() => created('/\r\n'), 'RHK_BAD_HEADER');
  });
});

describe('notFound', () => {
  it('is 404, whatever it is made of', async () => {
    expect(await sent(notFound(), 'content-type')).to.deep.equal([404, 'text/plain; charset=utf-8', 'not found']);
    expect(await sent(notFound(json({ error: 1 })), 'content-type')).to.deep.equal([404, 'application/json', '{"error":1}']);
    expect(await sent(notFound({ status: 200, body: 'x' }), 'content-type')).to.deep.equal([404, 'text/plain; charset=utf-8', 'x']);
  });
});

describe('html', () => {
  it('is a page, with status and headers of one’s own', async () => {
    expect(await sent(html('<p>é</p>'), 'content-type')).to.deep.equal([200, 'text/html; charset=utf-8', '<p>é</p>']);
    const odd = html('<p/>', { status: 418, headers: { 'Content-Type': 'application/xhtml+xml' } });
    expect(await sent(odd, 'content-type')).to.deep.equal([418, 'application/xhtml+xml', '<p/>']);
    expect(await sent(html('x', { headers: [['x-a', 'b']] }), 'x-a')).to.deep.equal([200, 'b', 'x']);
  });
});

describe('json, called', () => {
  it('is a reply', async () => {
    expect(await sent(json({ a: [1, 'é'] }), 'content-type')).to.deep.equal([200, 'application/json', '{"a":[1,"é"]}']);
    expect(await sent(json(null, { status: 202, headers: { 'x-a': 'b' } }), 'x-a')).to.deep.equal([202, 'b', 'null']);
    const problem = json({}, { headers: { 'content-type': 'application/problem+json' } });
    expect(await sent(problem, 'content-type')).to.deep.equal([200, 'application/problem+json', '{}']);
  });

  it('refuses what JSON has no word for', () => {
    const cycle: { self?: object } = {};
    cycle.self = cycle;
    for (const value of [undefined, () => 1, Symbol('x'), 1n, cycle]) refused(() => json(value), 'RHK_BAD_REPLY');
  });
});
