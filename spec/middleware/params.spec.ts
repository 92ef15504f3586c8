import { expect } from 'chai';
import { map, of, pipe } from 'rxjs';
import { extend, type Handler, OptionError } from 'rx-http-kit';
import { params, type ParamsOptions } from 'rx-http-kit/middleware';
import { context, post } from 'rx-http-kit/routing';
import { inject, type RequestParts } from 'rx-http-kit/testing';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const shown: Handler = pipe(
  params(),
  map(({ queryParams, formParams, params: all }) => JSON.stringify({ queryParams, formParams, all })),
);
const found = async (parts: RequestParts, handler = shown) => (await inject(handler, parts).collect()).json();
const statusOf = async (parts: RequestParts, options?: ParamsOptions) =>
  (await inject(params(options)(map(() => 'x')), { method: 'POST', headers: FORM, ...parts }).collect()).status;

describe('params', () => {
  it('reads the query', async () => {
    expect(await found({ uri: '/?a=1&b=x+y&b=%C3%A9&c&=d' })).to.deep.equal({
      queryParams: { a: '1', b: ['x y', 'é'], c: '', '': 'd' },
      formParams: {},
      all: { a: '1', b: ['x y', 'é'], c: '', '': 'd' },
    });
  });

  it('reads a form, whose values win', async () => {
    expect(await found({ method: 'POST', uri: '/?a=1&b=2', headers: FORM, body: 'a=3&c=4' })).to.deep.equal({
      queryParams: { a: '1', b: '2' },
      formParams: { a: '3', c: '4' },
      all: { a: '3', b: '2', c: '4' },
    });
  });

  it('lets what a route has found win', async () => {
    const routed: Handler = (requests$) =>
      requests$.pipe(
        map((request) => extend(request, { params: { a: 'route' } })),
        shown,
      );
    expect(await found({ uri: '/?a=1&b=2' }, routed)).to.deep.include({ all: { a: 'route', b: '2' } });
  });

  it('gives all of them inside a route, which has its own in their place', async () => {
    const inner: Handler = context('/:a', post('/:b', shown));
    const parts = { method: 'POST', uri: '/route/too?a=1&c=2', headers: FORM, body: 'b=3&d=4' };
    const all = { a: 'route', b: 'too', c: '2', d: '4' };
    expect(await found(parts, inner), 'alone').to.deep.include({ all });
    expect(await found(parts, params()(inner)), 'behind the middleware').to.deep.include({ all });
    expect(await found(parts, params()(context('/:a', post('/:b', params()(shown))))), 'between two').to.deep.include({ all });
  });

  it('leaves other bodies unread', async () => {
    const handler = params()((requests$) => requests$.pipe(map((request) => request.body$)));
    const reply = await inject(handler, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }).collect();
    expect(reply.text).to.equal('{"a":1}');
  });

  it('holds names that objects have for ordinary ones', async () => {
    const handler: Handler = pipe(
      params(),
      map(({ params: all }) => `${Object.getPrototypeOf(all) === null} ${all['__proto__'] as string} ${typeof all['toString']}`),
    );
    expect((await inject(handler, '/?__proto__=a').collect()).text).to.equal('true a undefined');
    expect(({} as Record<string, unknown>)['a']).to.equal(undefined);
  });

  it('answers 413 past maxParams, in a query and in a form', async () => {
    expect(await statusOf({ uri: `/?${'a&'.repeat(9)}a`, body: 'a' }, { maxParams: 10 })).to.equal(200);
    expect(await statusOf({ uri: `/?${'a&'.repeat(10)}a`, body: 'a' }, { maxParams: 10 })).to.equal(413);
    expect(await statusOf({ body: '&'.repeat(2_000) })).to.equal(413);
  });

  it('answers 400 and 415 to a form that is no text', async () => {
    expect(await statusOf({ body: Buffer.from([0xff]) })).to.equal(400);
    expect(await statusOf({ headers: { 'content-type': `${FORM['content-type']}; charset=klingon` }, body: 'a' })).to.equal(415);
  });

  it('waits for a form that comes in pieces', async () => {
    expect(await found({ method: 'POST', headers: FORM, body: of('a=', '1&b', '=2') })).to.deep.include({ formParams: { a: '1', b: '2' } });
  });

  it('refuses wrong options', () => expect(() => params({ maxParams: -1 })).to.throw(OptionError, 'maxParams'));
});
