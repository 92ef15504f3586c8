import { expect } from 'chai';
import { concat, delay, EMPTY, finalize, map, mergeMap, NEVER, of, throwError } from 'rxjs';
import { type Handler, HttpError, type Middleware, websocket } from 'rx-http-kit';
import * as all from 'rx-http-kit/middleware';
import { type CollectedReply, inject, request, upgrade } from 'rx-http-kit/testing';

const folder = new URL('../../../docs/', import.meta.url);
const secret = 'a secret of at least 32 characters';
const password = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
const silent = (): void => {};

const around =
  (outer: Middleware, inner: Middleware): Middleware =>
  (handler) =>
    outer(inner(handler));

/** Every middleware, with options that let an ordinary GET pass. */
const EVERY: Readonly<Record<string, () => Middleware>> = {
  absoluteRedirects: () => all.absoluteRedirects(),
  accessLog: () => all.accessLog({ to: silent }),
  antiForgery: () => all.antiForgery({ strategy: 'cookie', secrets: [secret] }),
  'antiForgery in a session': () => around(all.session(), all.antiForgery()),
  basicAuth: () => all.basicAuth({ users: { ann: 'secret' } }),
  bodyLimit: () => all.bodyLimit(10),
  compose: () => all.compose(all.head(), all.xHeaders()),
  compress: () => all.compress(),
  'compress, all of it': () => all.compress({ threshold: 0, types: /./ }),
  contentType: () => all.contentType(),
  cookies: () => all.cookies({ secrets: [secret] }),
  cors: () => all.cors({ origin: 'https://a.example', credentials: true }),
  defaultCharset: () => all.defaultCharset(),
  'defaults of an API': () => all.defaults(all.apiDefaults),
  'defaults of a site': () => all.defaults(all.siteDefaults),
  'defaults of a secure API': () => all.defaults({ ...all.secureApiDefaults, proxy: { proxies: ['192.0.2.1'] } }),
  'defaults of a secure site': () => all.defaults({ ...all.secureSiteDefaults, proxy: { proxies: ['192.0.2.1'] } }),
  etag: () => all.etag(),
  file: () => all.file(folder),
  flash: () => around(all.session(), all.flash()),
  forwarded: () => all.forwarded({ trust: ['192.0.2.1'] }),
  forwardedRemoteAddr: () => all.forwardedRemoteAddr(),
  forwardedScheme: () => all.forwardedScheme(),
  head: () => all.head(),
  hsts: () => all.hsts(),
  multipartParams: () => all.multipartParams(),
  nestedParams: () => all.nestedParams(),
  notModified: () => all.notModified(),
  params: () => all.params(),
  rateLimit: () => all.rateLimit({ limit: 100, windowMs: 1_000 }),
  requestId: () => all.requestId(),
  resource: () => all.resource(folder),
  session: () => all.session(),
  'session in a cookie': () => all.session({ store: all.cookieStore({ secrets: [secret] }) }),
  sslRedirect: () => around(all.forwardedScheme({ proxies: ['192.0.2.1'] }), all.sslRedirect()),
  timeout: () => all.timeout({ firstMs: 5_000 }),
  xHeaders: () => all.xHeaders(),
};

/** Exported functions that are no middleware. */
const OTHERS = ['antiForgeryToken', 'cookieStore', 'mapResponse', 'memoryStore', 'multipartParts', 'regenerate', 'setCookie'];

const PARTS = {
  uri: '/nothing/such?a=b',
  headers: { authorization: password, 'x-forwarded-proto': 'https', origin: 'https://a.example', 'if-none-match': '"b"' },
};

const collected = (middleware: Middleware, handler: Handler): Promise<CollectedReply> => inject(middleware(handler), PARTS).collect();

describe('every middleware', () => {
  it('is in this list', () => {
    const names = Object.entries(all).filter(([name, value]) => typeof value === 'function' && !OTHERS.includes(name));
    const listed = Object.keys(EVERY).map((name) => name.split(' ', 1)[0]);
    expect(names.map(([name]) => name).filter((name) => !listed.includes(name))).to.deep.equal([]);
  });

  for (const [name, make] of Object.entries(EVERY)) {
    describe(name, () => {
      it('lets a plain reply pass', async () => {
        const { status, text, headers, events } = await collected(
          make(),
          map(() => ({ status: 201, headers: { 'X-Mine': 'a', 'set-cookie': ['b=1', 'c=2'] }, body: 'hello' })),
        );
        expect([status, text, headers['x-mine'], events]).to.deep.equal([201, 'hello', 'a', []]);
        expect(headers['set-cookie']).to.match(/^b=1\nc=2/);
      });

      it('lets a bare body pass, and fields of other shapes', async () => {
        expect(
          (
            await collected(
              make(),
              map(() => 'hello'),
            )
          ).text,
        ).to.equal('hello');
        const listed = await collected(
          make(),
          map(() => ({ headers: new Map([['X-Mine', 'a']]), body: Buffer.from('x') })),
        );
        expect([listed.headers['x-mine'], listed.text]).to.deep.equal(['a', 'x']);
      });

      it('lets a stream of items pass, each when it comes', async () => {
        const handler: Handler = mergeMap(() => concat(of({ status: 202, body: 'a' }), of('b').pipe(delay(1)), of('c').pipe(delay(1))));
        const { status, pieces } = await collected(make(), handler);
        expect([status, pieces]).to.deep.equal([202, ['a', 'b', 'c']]);
      });

      it('lets a streamed body pass', async () => {
        const handler: Handler = map(() => ({ headers: { 'content-type': 'text/plain' }, body: ['a', Buffer.from('b'), 'c'] }));
        expect((await collected(make(), handler)).text).to.equal('abc');
      });

      it('leaves a request to the next handler where its own says nothing', async () => {
        const { status, text, events } = await collected(make(), () => EMPTY);
        expect([status, text, events]).to.deep.equal([404, 'not found', []]);
      });

      it('lets the status of a failing handler pass', async () => {
        const { status, text } = await collected(make(), () => throwError(() => new HttpError(418, 'teapot')));
        expect([status, text]).to.deep.equal([418, 'teapot']);
      });

      it('lets a failure pass, which the server tells and the client does not learn', async () => {
        for (const handler of [
          (): never => {
            throw new Error('boom');
          },
          map((): never => {
            throw new Error('boom');
          }),
        ]) {
          const { status, text, events } = await collected(make(), handler);
          expect([status, text]).to.deep.equal([500, 'internal server error']);
          expect(events.map(({ error }) => (error.cause as Error).message)).to.deep.equal(['boom']);
        }
      });

      it('fails a reply that is none', async () => {
        const { status, events } = await collected(
          make(),
          map(() => ({ headers: { 'content-type': 'text/html' }, body: 5 as unknown as string })), // what untyped handlers do
        );
        expect([status, events.map(({ error }) => (error as { code?: string }).code)]).to.deep.equal([500, ['RHK_BAD_REPLY']]);
      });

      it('lets a WebSocket pass', async () => {
        const fields = upgrade('/')
          .toString()
          .split('\r\n')
          .slice(1, -2)
          .map((line) => line.split(': ') as [string, string]); // name and value
        const parts = { ...PARTS, headers: { ...PARTS.headers, ...Object.fromEntries(fields), origin: 'https://test', host: 'test' } };
        expect((await inject(make()(websocket(map((message) => message))), parts).collect()).status).to.equal(101);
      });

      it('cuts a stream that fails behind its head', async () => {
        const handler: Handler = () =>
          concat(
            of('a'),
            of('b').pipe(delay(1)),
            throwError(() => new Error('boom')),
          );
        const error: unknown = await collected(make(), handler).catch((thrown: unknown) => thrown);
        expect(String(error)).to.contain('the reply was cut');
      });

      it('lets the handler go when its client leaves', async () => {
        let isLetGo = false;
        let begin = (): void => {};
        const begun = new Promise<void>((resolve) => (begin = resolve));
        const handler: Handler = () => {
          begin();
          return NEVER.pipe(finalize(() => (isLetGo = true)));
        };
        const subscription = of(request(PARTS)).pipe(make()(handler)).subscribe();
        await begun;
        await new Promise<void>((resolve) => setImmediate(resolve)); // what waited for a promise has subscribed by now
        expect(isLetGo).to.equal(false);
        subscription.unsubscribe();
        expect(isLetGo).to.equal(true);
      });
    });
  }
});
