import { expect } from 'chai';
import { map, type Observable } from 'rxjs';
import { head } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

describe('head', () => {
  it('asks the handler for a GET, and answers with its head alone', async () => {
    const handler = head()(map(({ method }) => ({ headers: { 'x-asked': method }, body: 'hello' })));
    const reply = await inject(handler, { method: 'HEAD' }).collect();
    expect([reply.status, reply.text, reply.headers['x-asked'], reply.headers['content-length']]).to.deep.equal([200, '', 'GET', '5']);
  });

  it('lets a stream go that has no end', async () => {
    let isLetGo = false;
    const endless = function* (): Generator<string> {
      try {
        for (;;) yield 'x'.repeat(100_000);
      } finally {
        isLetGo = true;
      }
    };
    const reply = await inject(head()(map(() => endless())), { method: 'HEAD' }).collect();
    expect([reply.status, reply.text, isLetGo]).to.deep.equal([200, '', true]);
  });

  it('leaves other methods as they are', async () => {
    const handler = head()((requests$: Observable<{ method: string }>) => requests$.pipe(map(({ method }) => method)));
    expect((await inject(handler, { method: 'DELETE' }).collect()).text).to.equal('DELETE');
  });
});
