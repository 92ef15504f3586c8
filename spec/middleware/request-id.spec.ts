import { expect } from 'chai';
import { map, pipe, throwError } from 'rxjs';
import { type Handler, HttpError, type HttpRequest, OptionError } from 'rx-http-kit';
import { requestId, type RequestIdFields } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const shown: Handler = map((request) => (request as HttpRequest & RequestIdFields).requestId); // what the middleware adds
const idOf = async (sent: string | undefined, options = {}) => {
  const { text, headers } = await inject(requestId(options)(shown), { headers: { 'x-request-id': sent } }).collect();
  expect(headers['x-request-id']).to.equal(text);
  return text;
};

describe('requestId', () => {
  it('names a request that has no name, and tells the handler and the client', async () => {
    const [one, two] = [await idOf(undefined), await idOf(undefined)];
    expect(one).to.match(UUID);
    expect(two).to.not.equal(one);
  });

  it('keeps the name that a client sends', async () => expect(await idOf('a.b_c-1~2+3/4=5:6@7')).to.equal('a.b_c-1~2+3/4=5:6@7'));

  for (const bad of ['', 'a b', '${jndi:ldap://x}', 'a"b', 'a<b', 'a\tb', 'é', 'a'.repeat(129), 'a, b', '%0a']) {
    it(`gives another name for ${JSON.stringify(bad.slice(0, 20))}`, async () => expect(await idOf(bad)).to.match(UUID));
  }

  it('believes no client where it was told so, and makes names as it was told', async () => {
    expect(await idOf('mine', { incoming: false, generate: () => 'made' })).to.equal('made');
  });

  it('names requests that fail', async () => {
    const { headers, status } = await inject(
      requestId()(() => throwError(() => new HttpError(418))),
      { headers: { 'x-request-id': 'mine' } },
    ).collect();
    expect([status, headers['x-request-id']]).to.deep.equal([418, 'mine']);
  });

  it('is an operator, too', async () => {
    const handler: Handler = pipe(
      requestId({ generate: () => 'made' }),
      map((request) => request.requestId),
    );
    expect((await inject(handler, '/').collect()).text).to.equal('made');
  });

  it('refuses wrong options', () => expect(() => requestId({ header: 'a b' })).to.throw(OptionError, 'header'));
});
