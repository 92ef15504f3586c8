import { expect } from 'chai';
import { catchError, concat, EMPTY, map, of, throwError } from 'rxjs';
import { file, type Handler, HttpError, OptionError } from 'rx-http-kit';
import { cors, type CorsOptions } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const A = 'https://a.example';
const hello: Handler = map(() => ({ headers: { Vary: 'accept' }, body: 'hello' }));
const asked = async (options: CorsOptions | undefined, origin: string | undefined, handler = hello) => {
  const { status, headers } = await inject(cors(options)(handler), { headers: { origin } }).collect();
  return [status, headers['access-control-allow-origin'], headers['vary']];
};
const preflight = (options: CorsOptions, headers: Record<string, string> = {}) =>
  inject(cors(options)(hello), {
    method: 'OPTIONS',
    headers: { origin: A, 'access-control-request-method': 'PUT', ...headers },
  }).collect();

describe('cors', () => {
  it('lets all origins read by default', async () => expect(await asked(undefined, A)).to.deep.equal([200, '*', 'accept']));

  it('says nothing to who does not ask', async () => expect(await asked(undefined, undefined)).to.deep.equal([200, undefined, 'accept']));

  const rules: readonly (readonly [CorsOptions['origin'], string, boolean])[] = [
    [A, A, true],
    [A, 'https://b.example', false],
    [A, 'http://a.example', false],
    [A, 'https://a.example.evil.example', false],
    [[A, 'https://b.example'], 'https://b.example', true],
    [/https:\/\/\w+\.example/, A, true],
    [/https:\/\/\w+\.example/, 'https://a.example.evil', false],
    [/https:\/\/a\.example|x/, 'https://a.example.evil', false],
    [/https:\/\/a\.example/g, A, true],
    [(origin) => origin.endsWith('.example'), A, true],
    [[A], 'null', false],
    ['null', 'null', true],
  ];
  for (const [origin, from, isAllowed] of rules) {
    it(`${isAllowed ? 'allows' : 'does not allow'} ${from} by ${String(origin)}`, async () => {
      for (let time = 0; time < 2; time++) {
        expect(await asked({ origin }, from)).to.deep.equal([200, isAllowed ? from : undefined, 'accept, origin']);
      }
    });
  }

  it('lets no pattern mean the origin null together with credentials', async () => {
    expect(await asked({ origin: /.*/, credentials: true }, 'null')).to.deep.equal([200, undefined, 'accept, origin']);
    expect(await asked({ origin: /.*/ }, 'null')).to.deep.equal([200, 'null', 'accept, origin']);
  });

  it('lets pages read errors and the 404 of missing handlers, and the server tell of them', async () => {
    expect(await asked({ origin: A }, A, () => throwError(() => new HttpError(403)))).to.deep.equal([403, A, 'origin']);
    expect(await asked({ origin: A }, A, () => throwError(() => new Error('boom')))).to.deep.equal([500, A, 'origin']);
    expect(await asked({ origin: A }, A, () => throwError(() => 'text'))).to.deep.equal([500, A, 'origin']);
    expect(await asked({ origin: A }, A, () => EMPTY)).to.deep.equal([404, A, 'origin']);
    expect(await asked({ origin: A }, 'https://b.example', () => EMPTY)).to.deep.equal([404, undefined, 'origin']);
    const failed = await inject(
      cors()(() => throwError(() => new Error('boom'))),
      { headers: { origin: A } },
    ).collect();
    expect((failed.events[0].error.cause as Error).message).to.equal('boom');
  });

  it('lets pages read why a body could not be sent', async () => {
    const missing = await inject(cors({ origin: A })(map(() => file('/no/such/file'))), { headers: { origin: A } }).collect();
    expect([missing.status, missing.headers['access-control-allow-origin'], missing.headers['vary']]).to.deep.equal([404, A, 'origin']);
    const failing = cors({ origin: A })(map(() => ({ body: throwError(() => new Error('boom')) })));
    const failed = await inject(failing, { headers: { origin: A } }).collect();
    expect([failed.status, failed.headers['access-control-allow-origin']]).to.deep.equal([500, A]);
    const twice = cors({ origin: A })(() =>
      concat(
        of(['a']),
        throwError(() => new HttpError(418)),
      ),
    );
    expect((await inject(twice, { headers: { origin: A } }).collect()).headers['vary']).to.equal('origin');
  });

  it('gives fields of one error to no other', async () => {
    const inner = cors({ origin: A })(() => throwError(() => new Error('inner')));
    const replaced: Handler = (requests$) => inner(requests$).pipe(catchError(() => throwError(() => new HttpError(502))));
    const reply = await inject(replaced, { headers: { origin: A } }).collect();
    expect([reply.status, reply.headers['access-control-allow-origin']]).to.deep.equal([502, undefined]);
  });

  it('answers preflights without the handler', async () => {
    const reply = await preflight({ origin: A, credentials: true, maxAge: 600 }, { 'access-control-request-headers': 'x-a, content-type' });
    expect([reply.status, reply.text]).to.deep.equal([204, '']);
    expect(reply.headers).to.include({
      'access-control-allow-origin': A,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, PUT, PATCH, POST, DELETE',
      'access-control-allow-headers': 'x-a, content-type',
      'access-control-max-age': '600',
      vary: 'origin, access-control-request-method, access-control-request-headers',
    });
    const listed = await preflight({ allowedHeaders: ['x-b'], methods: ['GET'] }, { 'access-control-request-headers': 'x-a' });
    expect([listed.headers['access-control-allow-headers'], listed.headers['access-control-allow-methods']]).to.deep.equal(['x-b', 'GET']);
  });

  it('allows a stranger nothing in a preflight, and repeats nothing that is no list of names', async () => {
    const stranger = await preflight({ origin: 'https://b.example' });
    expect(Object.keys(stranger.headers).filter((name) => name.startsWith('access-control'))).to.deep.equal([]);
    const odd = await preflight({}, { 'access-control-request-headers': 'x-a; evil' });
    expect(odd.headers['access-control-allow-headers']).to.equal(undefined);
  });

  it('leaves other OPTIONS to the handler', async () => {
    const reply = await inject(cors()(hello), { method: 'OPTIONS', headers: { origin: A } }).collect();
    expect([reply.status, reply.text]).to.deep.equal([200, 'hello']);
  });

  it('exposes fields', async () => {
    const { headers } = await inject(cors({ exposedHeaders: ['x-a', 'x-b'] })(hello), { headers: { origin: A } }).collect();
    expect(headers['access-control-expose-headers']).to.equal('x-a, x-b');
  });

  const refused: readonly (readonly [string, CorsOptions])[] = [
    ['credentials', { credentials: true }],
    ['credentials', { origin: '*', credentials: true }],
    ['origin', { origin: ['*'], credentials: true }],
    ['origin', { origin: 'null', credentials: true }],
    ['origin', { origin: [] }],
    ['origin', { origin: 'a.example' }],
    ['origin', { origin: 'https://a.example/' }],
    ['methods', { methods: ['GET, PUT'] }],
    ['allowedHeaders', { allowedHeaders: ['x\r\ny'] }],
    ['maxAge', { maxAge: 1.5 }],
    ['orgin', { orgin: A } as CorsOptions],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => cors(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});
