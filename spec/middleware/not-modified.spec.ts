import { expect } from 'chai';
import { Readable } from 'node:stream';
import { map } from 'rxjs';
import type { HttpResponse } from 'rx-http-kit';
import { notModified } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const tagged: HttpResponse = { headers: { ETag: '"a"', 'Content-Type': 'text/html', 'Cache-Control': 'no-cache' }, body: 'hello' };
const dated: HttpResponse = { headers: { 'last-modified': 'Mon, 06 May 2024 07:08:09 GMT' }, body: 'hello' };

const asked = (response: HttpResponse, headers: Record<string, string>, method = 'GET') =>
  inject(notModified()(map(() => response)), { method, headers }).collect();

describe('notModified', () => {
  it('answers 304 without the body and what belongs to it', async () => {
    const { status, text, headers } = await asked(tagged, { 'if-none-match': 'W/"a"' });
    expect([status, text, headers['etag'], headers['cache-control'], headers['content-type']]).to.deep.equal([
      304,
      '',
      '"a"',
      'no-cache',
      undefined,
    ]);
    expect((await asked(dated, { 'if-modified-since': 'Mon, 06 May 2024 07:08:09 GMT' }, 'HEAD')).status).to.equal(304);
  });

  it('answers 412 where the client wants another one', async () => {
    const { status, headers } = await asked(
      { ...tagged, headers: { etag: '"a"', 'cache-control': 'max-age=9', expires: 'x', via: 'a' } },
      { 'if-match': '"b"' },
    );
    // one client's condition must not be kept as everybody's answer
    expect([status, headers['cache-control'], headers['expires'], headers['etag'], headers['via']]).to.deep.equal([
      412,
      undefined,
      undefined,
      undefined,
      'a',
    ]);
  });

  it('lets the body go that is not sent', async () => {
    const body = new Readable({ read: () => {} });
    expect((await asked({ ...tagged, body }, { 'if-none-match': '"a"' })).status).to.equal(304);
    expect(body.destroyed).to.equal(true);
  });

  const passing: readonly (readonly [string, HttpResponse, Record<string, string>, string?])[] = [
    ['another tag', tagged, { 'if-none-match': '"b"' }],
    ['a newer reply', dated, { 'if-modified-since': 'Mon, 06 May 2024 07:08:08 GMT' }],
    ['a date that is none', dated, { 'if-modified-since': '2999-01-01' }],
    ['no validators', { body: 'hello' }, { 'if-none-match': '*' }],
    ['POST', tagged, { 'if-none-match': '"a"' }, 'POST'],
    ['another status', { ...tagged, status: 201 }, { 'if-none-match': '"a"' }],
  ];
  for (const [what, response, headers, method] of passing) {
    it(`lets ${what} pass`, async () => {
      const reply = await asked(response, headers, method);
      expect([reply.status, reply.text]).to.deep.equal([response.status ?? 200, 'hello']);
    });
  }
});
