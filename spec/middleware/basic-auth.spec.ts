import { expect } from 'chai';
import { delay, EMPTY, map, of, pipe } from 'rxjs';
import { type Handler, type HttpRequest, OptionError } from 'rx-http-kit';
import { basicAuth, type BasicAuthFields, type BasicAuthOptions } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const USERS = { users: { ann: 'sécret:x' } };
const who: Handler = map((request) => JSON.stringify((request as HttpRequest & BasicAuthFields).basicAuthentication)); // as the middleware adds it
const as = (credentials: string | Buffer): string => `Basic ${Buffer.from(credentials).toString('base64')}`;
const asked = async (options: BasicAuthOptions, authorization: string | undefined) => {
  const { status, text, headers } = await inject(basicAuth(options)(who), { headers: { authorization } }).collect();
  return status === 200 ? text : [status, headers['www-authenticate']];
};

describe('basicAuth', () => {
  it('lets in who has the right password', async () => {
    expect(await asked(USERS, as('ann:sécret:x'))).to.equal('"ann"');
    expect(await asked(USERS, as('ann:sécret:x').replace('Basic', 'basic '))).to.equal('"ann"');
    expect(await asked(USERS, as(Buffer.from('ann:sécret:x', 'latin1')))).to.equal('"ann"'); // older browsers
  });

  const strangers: readonly (readonly [string, string | undefined])[] = [
    ['nothing', undefined],
    ['a wrong password', as('ann:wrong')],
    ['an empty password', as('ann:')],
    ['a name that nobody has', as('bob:')],
    ['a name of all objects', as('constructor:function Object() { [native code] }')],
    ['no colon', as('ann')],
    ['another scheme', `Bearer ${Buffer.from('ann:sécret:x').toString('base64')}`],
    ['no base64', 'Basic ann:secret'],
    ['a control character', as('ann:sécret:x\0')],
    ['two credentials', `${as('ann:sécret:x')}, ${as('ann:sécret:x')}`],
  ];
  for (const [what, authorization] of strangers) {
    it(`answers 401 to ${what}`, async () => {
      expect(await asked(USERS, authorization)).to.deep.equal([401, 'Basic realm="restricted area", charset="UTF-8"']);
    });
  }

  it('asks a function, which may take its time', async () => {
    const authenticate = (name: string, password: string): unknown => (name === 'ann' && password === '' ? { id: 1 } : undefined);
    expect(await asked({ authenticate }, as('ann:'))).to.equal('{"id":1}');
    expect(await asked({ authenticate: (name, password) => Promise.resolve(authenticate(name, password)) }, as('ann:'))).to.equal(
      '{"id":1}',
    );
    expect(await asked({ authenticate: (name, password) => of(authenticate(name, password)).pipe(delay(1)) }, as('ann:'))).to.equal(
      '{"id":1}',
    );
    expect(await asked({ authenticate: () => Promise.resolve(false) }, as('ann:'))).to.include(401);
    expect(await asked({ authenticate: () => EMPTY }, as('ann:'))).to.include(401);
    expect(await asked({ authenticate: () => Promise.reject(new Error('no directory')) }, as('ann:'))).to.include(500);
  });

  it('escapes its realm', async () => {
    expect(await asked({ ...USERS, realm: 'a "b" \\c' }, undefined)).to.deep.equal([401, 'Basic realm="a \\"b\\" \\\\c", charset="UTF-8"']);
  });

  it('is an operator, too', async () => {
    const handler: Handler = pipe(
      basicAuth(USERS),
      map((request) => String(request.basicAuthentication)),
    );
    expect((await inject(handler, { headers: { authorization: as('ann:sécret:x') } }).collect()).text).to.equal('ann');
    const { status, headers } = await inject(handler, '/').collect();
    expect([status, headers['www-authenticate']]).to.deep.equal([401, 'Basic realm="restricted area", charset="UTF-8"']);
  });

  const refused: readonly (readonly [string, BasicAuthOptions])[] = [
    ['users', {}],
    ['users', { ...USERS, authenticate: () => true }],
    ['users', { users: { 'a:b': 'c' } }],
    ['realm', { ...USERS, realm: 'a\r\nb' }],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => basicAuth(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});
