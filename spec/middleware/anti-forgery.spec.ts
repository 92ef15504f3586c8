import { expect } from 'chai';
import { map } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import {
  antiForgery,
  type AntiForgeryOptions,
  antiForgeryToken,
  compose,
  multipartParams,
  params,
  regenerate,
  session,
  type SessionResponse,
} from 'rx-http-kit/middleware';
import { inject, type RequestParts, upgrade } from 'rx-http-kit/testing';

const SECRET = 'a secret of at least 32 characters';
const FORM = 'application/x-www-form-urlencoded';
const strategies: Readonly<Record<string, AntiForgeryOptions>> = { session: {}, cookie: { strategy: 'cookie', secrets: [SECRET] } };

/** Shows its token, and changes the session where it is told to. */
const app = (options: AntiForgeryOptions, reply: SessionResponse = {}): Handler =>
  compose(session(), params(), multipartParams(), antiForgery(options))(map((request) => ({ ...reply, body: antiForgeryToken(request) })));

const visit = async (handler: Handler, parts: RequestParts = {}) => {
  const { status, text, headers } = await inject(handler, parts).collect();
  return {
    status,
    token: text,
    cookie: headers['set-cookie']
      ?.split('\n')
      .map((line) => line.split(';', 1)[0])
      .join('; '),
  };
};
const post = async (handler: Handler, headers: Record<string, string | undefined>, body = 'x') =>
  (await visit(handler, { method: 'POST', headers, body })).status;

describe('antiForgery', () => {
  for (const [name, options] of Object.entries(strategies)) {
    describe(`with the token in a ${name}`, () => {
      it('lets in what sends the token back, in a head or a form', async () => {
        const handler = app(options);
        const { token, cookie } = await visit(handler);
        for (const field of ['x-csrf-token', 'x-xsrf-token']) expect(await post(handler, { cookie, [field]: token }), field).to.equal(200);
        expect(await post(handler, { cookie, 'content-type': FORM }, `a=b&__anti-forgery-token=${token}`)).to.equal(200);
        const part = `--b\r\ncontent-disposition: form-data; name="__anti-forgery-token"\r\n\r\n${token}\r\n--b--\r\n`;
        expect(await post(handler, { cookie, 'content-type': 'multipart/form-data; boundary=b' }, part)).to.equal(200);
      });

      it('refuses all others', async () => {
        const handler = app(options);
        const { token, cookie } = await visit(handler);
        const other = await visit(handler);
        expect(await post(handler, { cookie })).to.equal(403);
        expect(await post(handler, { 'x-csrf-token': token })).to.equal(403);
        expect(await post(handler, { cookie: other.cookie, 'x-csrf-token': token })).to.equal(403);
        expect(await post(handler, { cookie, 'x-csrf-token': '' })).to.equal(403);
        expect(await post(handler, { cookie, 'x-csrf-token': token.slice(0, -2) })).to.equal(403);
        expect(await post(handler, { cookie, 'x-csrf-token': token.repeat(20) })).to.equal(403);
        expect(
          await post(handler, { cookie, 'content-type': FORM }, `__anti-forgery-token=${token}&__anti-forgery-token=${token}`),
        ).to.equal(403);
        expect(await post(handler, {})).to.equal(403);
      });

      it('masks the token anew for each request, and takes all of them', async () => {
        const handler = app(options);
        const { token, cookie } = await visit(handler);
        const again = await visit(handler, { headers: { cookie } });
        expect(again.token).to.not.equal(token);
        expect(again.cookie).to.equal(undefined);
        expect(await post(handler, { cookie, 'x-csrf-token': again.token })).to.equal(200);
      });

      it('makes nothing for a page without a form', async () => {
        const handler = compose(session(), antiForgery(options))(map(() => 'x'));
        expect((await visit(handler)).cookie).to.equal(undefined);
      });

      const origins: readonly (readonly [Record<string, string>, number])[] = [
        [{ origin: 'http://test' }, 200],
        [{ origin: 'https://test' }, 200],
        [{ origin: 'https://trusted.example', 'sec-fetch-site': 'cross-site' }, 200],
        [{ 'sec-fetch-site': 'same-origin' }, 200],
        [{ 'sec-fetch-site': 'none' }, 200],
        [{ origin: 'https://evil.example' }, 403],
        [{ origin: 'https://test.evil.example' }, 403],
        [{ origin: 'http://test:8080' }, 403],
        [{ origin: 'null' }, 403],
        [{ 'sec-fetch-site': 'cross-site' }, 403],
        [{ 'sec-fetch-site': 'same-site' }, 403],
        [{ origin: 'http://test', 'sec-fetch-site': 'cross-site' }, 403],
      ];
      for (const [headers, status] of origins) {
        it(`answers ${status} to a right token with ${JSON.stringify(headers)}`, async () => {
          const handler = app({ ...options, trustedOrigins: ['https://trusted.example'] });
          const { token, cookie } = await visit(handler);
          expect(await post(handler, { cookie, 'x-csrf-token': token, ...headers })).to.equal(status);
        });
      }
    });
  }

  it('keeps the token of a session that is replaced, and not of one that is regenerated', async () => {
    const pages: Record<string, SessionResponse> = {
      '/': {},
      '/replace': { session: { a: 1 } },
      '/login': { session: regenerate({ user: 'ann' }) },
    };
    const handler = compose(
      session(),
      antiForgery(),
    )(map((request) => ({ ...pages[request.uri], body: request.uri === '/' ? antiForgeryToken(request) : 'x' })));
    const { token, cookie } = await visit(handler);
    await visit(handler, { uri: '/replace', headers: { cookie } });
    expect(await post(handler, { cookie, 'x-csrf-token': token })).to.equal(200);
    const login = await visit(handler, { uri: '/login', headers: { cookie } });
    expect(login.cookie).to.not.equal(cookie);
    expect(await post(handler, { cookie: login.cookie, 'x-csrf-token': token })).to.equal(403);
  });

  it('refuses WebSockets of other sites', async () => {
    const fields = upgrade('/')
      .toString()
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(': ') as [string, string]);
    const handler = app({});
    expect((await visit(handler, { headers: { ...Object.fromEntries(fields), origin: 'https://evil.example' } })).status).to.equal(403);
    expect((await visit(handler, { headers: { ...Object.fromEntries(fields), host: 'test', origin: 'http://test' } })).status).to.equal(
      200,
    );
  });

  it('leaves safe methods alone', async () => {
    const handler = app({});
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      expect((await visit(handler, { method, headers: { origin: 'https://evil.example' } })).status).to.equal(200);
    for (const method of ['PUT', 'PATCH', 'DELETE']) expect((await visit(handler, { method })).status, method).to.equal(403);
  });

  it('says what is missing', async () => {
    const [reply] = (await inject(antiForgery()(map(() => 'x')), '/').collect()).events;
    expect(reply.error.message).to.equal('antiForgery() needs session() around it');
    const [alone] = (
      await inject(
        map((request) => antiForgeryToken(request)),
        '/',
      ).collect()
    ).events;
    expect((alone.error.cause as Error | undefined)?.message ?? alone.error.message).to.contain('antiForgery() around it');
  });

  it('answers what it is told to', async () => {
    expect(await post(app({ errorResponse: { status: 418, body: 'no' } }), {})).to.equal(418);
  });

  const refused: readonly (readonly [string, AntiForgeryOptions])[] = [
    ['secrets', { strategy: 'cookie' }],
    ['secrets', { secrets: [SECRET] }],
    ['strategy', { strategy: 'header' as 'cookie' }],
    ['trustedOrigins', { trustedOrigins: ['trusted.example'] }],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => antiForgery(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});
