import { type Handler, OptionError } from '#src/index.js';
import { compose, multipartParams, params } from '#src/middleware/index.js';
import { get, post, type RequestSchemas, routes, validate, ValidationError } from '#src/routing/index.js';
import { inject, type RequestParts } from '#src/testing/index.js';
import { type } from 'arktype';
import { expect } from 'chai';
import { catchError, map, of, pipe } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';

/** The same three schemas in three libraries: an id that is a number, a page with a default, an order with lines. */
const LIBRARIES: Readonly<Record<string, Required<RequestSchemas>>> = {
  zod: {
    params: z.object({ id: z.coerce.number().int() }),
    query: z.object({ page: z.coerce.number().default(1) }),
    body: z.object({ lines: z.array(z.object({ price: z.number() })) }),
  },
  valibot: {
    params: v.object({ id: v.pipe(v.string(), v.transform(Number), v.integer()) }),
    query: v.object({ page: v.optional(v.pipe(v.string(), v.transform(Number), v.number()), '1') }),
    body: v.object({ lines: v.array(v.object({ price: v.number() })) }),
  },
  arktype: {
    params: type({ id: 'string.integer.parse' }),
    query: type({ page: type('string.numeric.parse').default('1') }),
    body: type({ lines: type({ price: 'number' }).array() }),
  },
};

const JSON_TYPE = { 'content-type': 'application/json' };

for (const [library, schemas] of Object.entries(LIBRARIES)) {
  describe(`validate with ${library}`, () => {
    const app = routes(
      post(
        '/orders/:id',
        pipe(
          validate(schemas),
          map(({ params, query, body }) => JSON.stringify([params, query, body])),
        ),
      ),
    );
    const fetched = async (parts: RequestParts): Promise<[number, string | undefined, unknown]> => {
      const { status, headers, text } = await inject(app, { method: 'POST', headers: JSON_TYPE, ...parts }).collect();
      return [status, headers['content-type'], text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text];
    };
    const issues = async (parts: RequestParts): Promise<unknown> => {
      const [status, contentType, problem] = await fetched(parts);
      expect([status, contentType]).to.deep.equal([400, 'application/problem+json']);
      const { errors, ...rest } = problem as { errors: { in: string; pointer: string; message: string }[] }; // as validate writes it
      expect(rest).to.deep.equal({ type: 'about:blank', title: 'Bad Request', status: 400, detail: 'the request is not valid' });
      for (const { message } of errors) expect(message).to.be.a('string').and.not.equal('');
      return errors.map((issue) => [issue.in, issue.pointer]);
    };

    it('gives the handler what the schemas make of its request', async () => {
      const [status, , made] = await fetched({ uri: '/orders/7?page=2', body: '{"lines":[{"price":1.5}]}' });
      expect([status, made]).to.deep.equal([200, [{ id: 7 }, { page: 2 }, { lines: [{ price: 1.5 }] }]]);
      expect((await fetched({ uri: '/orders/7', body: '{"lines":[]}' }))[2]).to.deep.equal([{ id: 7 }, { page: 1 }, { lines: [] }]);
    });

    it('names every wrong place, and reads no body where params or query are wrong', async () => {
      expect(await issues({ uri: '/orders/x?page=y', body: 'no JSON' })).to.deep.equal([
        ['params', '/id'],
        ['query', '/page'],
      ]);
      expect(await issues({ uri: '/orders/7', body: '{"lines":[{"price":1},{"price":"2"}]}' })).to.deep.equal([['body', '/lines/1/price']]);
    });

    it('lists fifty places and no more', async () => {
      const body = JSON.stringify({ lines: Array.from({ length: 1_000 }, () => ({})) });
      expect(await issues({ uri: '/orders/7', body })).to.have.lengthOf(50);
    });
  });
}

describe('validate', () => {
  const status = async (schemas: RequestSchemas, parts: RequestParts): Promise<[number, string]> => {
    const app = post(
      '/',
      pipe(
        validate(schemas),
        map((request) => JSON.stringify((request as { body?: unknown }).body ?? 'none')),
      ),
    );
    const reply = await inject(app, { method: 'POST', ...parts }).collect();
    return [reply.status, reply.text];
  };
  const name = z.object({ name: z.union([z.string(), z.array(z.string())]) });

  it('reads the body as its content type says', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    expect(await status({ body: name }, { body: '{"name":"a"}', headers: JSON_TYPE })).to.deep.equal([200, '{"name":"a"}']);
    expect(await status({ body: name }, { body: '{"name":"a"}', headers: { 'content-type': 'application/vnd.x+json;v=1' } })).to.deep.equal(
      [200, '{"name":"a"}'],
    );
    expect(await status({ body: name }, { body: 'name=a+b', headers: form })).to.deep.equal([200, '{"name":"a b"}']);
    expect(await status({ body: name }, { body: 'name=a&name=b', headers: form })).to.deep.equal([200, '{"name":["a","b"]}']);
    expect((await status({ body: name }, { body: 'name', headers: { 'content-type': 'text/plain' } }))[0]).to.equal(415);
    expect((await status({ body: name }, { body: 'name' }))[0]).to.equal(415);
    expect((await status({ body: name }, { body: '{', headers: JSON_TYPE }))[0]).to.equal(400);
    expect((await status({ body: name }, {}))[0]).to.equal(400);
    expect(await status({ body: name.optional() }, {})).to.deep.equal([200, '"none"']);
    expect(await status({}, { body: 'x' })).to.deep.equal([200, '"none"']);
  });

  it('takes forms that middleware has read around', async () => {
    const app = compose(
      params(),
      multipartParams(),
    )(
      post(
        '/',
        pipe(
          validate({ body: name }),
          map(({ body }) => body.name),
        ),
      ),
    );
    const sent = async (contentType: string, body: string): Promise<unknown[]> => {
      const reply = await inject(app, { method: 'POST', uri: '/', headers: { 'content-type': contentType }, body }).collect();
      return [reply.status, reply.status === 200 ? reply.text : reply.headers['content-type']];
    };
    const part = (field: string): string => `--x\r\nContent-Disposition: form-data; name="${field}"\r\n\r\nann\r\n--x--\r\n`;
    expect(await sent('application/x-www-form-urlencoded', 'name=ann')).to.deep.equal([200, 'ann']);
    expect(await sent('application/x-www-form-urlencoded', 'other=ann')).to.deep.equal([400, 'application/problem+json']);
    expect(await sent('multipart/form-data; boundary=x', part('name'))).to.deep.equal([200, 'ann']);
    expect(await sent('multipart/form-data; boundary=x', part('other'))).to.deep.equal([400, 'application/problem+json']);
    expect(await sent('application/json', '{"name":"ann"}')).to.deep.equal([200, 'ann']);
  });

  it('keeps to the limit of the server', async () => {
    const app = post(
      '/',
      pipe(
        validate({ body: name }),
        map(() => 'ok'),
      ),
    );
    const parts = { method: 'POST', uri: '/', headers: JSON_TYPE, body: JSON.stringify({ name: 'x'.repeat(100) }) };
    expect((await inject(app, parts).collect({ server: { maxBody: 50 } })).status).to.equal(413);
  });

  it('waits for schemas that ask elsewhere, and fails where they do', async () => {
    const later = z.object({ name: z.string().refine(async (text) => (await Promise.resolve(text)) === 'a') });
    expect((await status({ body: later }, { body: '{"name":"a"}', headers: JSON_TYPE }))[0]).to.equal(200);
    expect((await status({ body: later }, { body: '{"name":"b"}', headers: JSON_TYPE }))[0]).to.equal(400);
    const broken = z.string().refine(async () => Promise.reject(new Error('no connection')));
    expect(await status({ body: broken }, { body: '"a"', headers: JSON_TYPE })).to.deep.equal([500, 'internal server error']);
  });

  it('fails with an error that can be answered otherwise', async () => {
    const schemas = { query: z.object({ 'a/b~c': z.string() }) };
    const app: Handler = get(
      '/',
      pipe(
        validate(schemas),
        map(() => 'ok'),
        catchError((error: unknown) => of(error instanceof ValidationError ? String(error.issues[0].pointer) : 'other')),
      ),
    );
    expect((await inject(app, '/').collect()).text).to.equal('/a~1b~0c');
  });

  it('refuses what is no schema', () => {
    expect(() => validate({ body: {} } as unknown as RequestSchemas)).to.throw(OptionError, 'body'); // untyped callers
    expect(() => validate({ bodie: name } as RequestSchemas)).to.throw(OptionError, 'bodie');
  });
});
