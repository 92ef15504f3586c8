import { expect } from 'chai';
import { map } from 'rxjs';
import { extend, type Handler, type HttpRequest, type Middleware, OptionError } from 'rx-http-kit';
import { compose, mapResponse } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

type Trailed = HttpRequest & { readonly trail?: string };

/** Leaves its letter on requests and on replies. */
const letter =
  (name: string): Middleware =>
  (handler) =>
    mapResponse(
      (requests$) => handler(requests$.pipe(map((request: Trailed) => extend(request, { trail: (request.trail ?? '') + name })))),
      (response) => ({ ...response, body: `${response.body as string}${name}` }), // all bodies here are text
    );

const trail: Handler = map((request: Trailed) => `${request.trail ?? ''}|`);

describe('compose', () => {
  it('runs the first first, and its way out last', async () => {
    expect((await inject(compose(letter('a'), letter('b'), letter('c'))(trail), '/').collect()).text).to.equal('abc|cba');
  });

  it('is middleware itself, and nothing where it is given none', async () => {
    expect((await inject(compose(letter('a'), compose(letter('b'), letter('c')))(trail), '/').collect()).text).to.equal('abc|cba');
    expect(compose()(trail)).to.equal(trail);
  });

  it('refuses what is no function', () => expect(() => compose(undefined as unknown as Middleware)).to.throw(OptionError, 'middleware'));
});
