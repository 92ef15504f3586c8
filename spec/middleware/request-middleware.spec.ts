import { expect } from 'chai';
import { map, of, pipe, toArray } from 'rxjs';
import type { Handler } from 'rx-http-kit';
import { basicAuth, cookies, flash, multipartParams, nestedParams, params, requestId, session } from 'rx-http-kit/middleware';
import { inject, request } from 'rx-http-kit/testing';

describe('RequestMiddleware', () => {
  it('has the name of its function, for stacks', () => {
    expect([cookies(), session(), flash(), params(), nestedParams(), multipartParams(), requestId()].map(({ name }) => name)).to.deep.equal(
      ['cookies', 'session', 'flash', 'params', 'nestedParams', 'multipartParams', 'requestId'],
    );
    expect(basicAuth({ users: {} }).name).to.equal('basicAuth');
  });

  it('adds fields to each of many requests, in their order', () => {
    let seen: readonly (string | undefined)[] = [];
    of(request({ headers: { cookie: 'a=1' } }), request({ headers: { cookie: 'a=2' } }))
      .pipe(
        cookies(),
        map((each) => each.cookies['a']),
        toArray(),
      )
      .subscribe((all) => (seen = all));
    expect(seen).to.deep.equal(['1', '2']);
  });

  it('reads no body twice: as an operator inside of itself, and as middleware', async () => {
    const parts = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' };
    const inner: Handler = pipe(
      params(),
      map((each) => String(each.formParams['a'])),
    );
    expect((await inject(params()(params()(inner)), parts).collect()).text).to.equal('1');
    const form = {
      ...parts,
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--',
    };
    const uploading: Handler = pipe(
      multipartParams(),
      map((each) => String(each.multipartParams['a'])),
    );
    expect((await inject(multipartParams()(multipartParams()(uploading)), form).collect()).text).to.equal('1');
  });

  it('gives an operator inside of it the same session and the same id', async () => {
    const ids = requestId();
    const named: Handler = pipe(
      ids,
      map((each) => each.requestId),
    );
    const { text, headers } = await inject(ids(named), '/').collect();
    expect(text).to.equal(headers['x-request-id']);
  });
});
