import { expect } from 'chai';
import { defer, finalize, map, mergeMap, NEVER, of, Subject, take } from 'rxjs';
import { byPath } from '../support/by-path.js';
import { turns, until, untilAtRest } from '../support/raw-client.js';
import { withServer } from '../support/serve.js';
import { line } from './cases/case.js';

describe('pipelines, RFC 9112 §9.3.2', () => {
  it('a thousand requests in one write are answered in order', async () => {
    await withServer(
      map((request) => request.uri),
      {},
      async (site) => {
        const client = await site.connect();
        client.send(Array.from({ length: 1_000 }, (_, index) => line(`GET /${index} HTTP/1.1`)).join(''));
        for (let index = 0; index < 1_000; index++) expect((await client.response()).body.toString()).to.equal(`/${index}`);
        expect(site.accepted).to.equal(1);
      },
    );
  });

  it('handlers of one connection run one after the other', async () => {
    let running = 0;
    let most = 0;
    const handler = mergeMap(() =>
      defer(() => {
        most = Math.max(most, ++running);
        return turns(3).then(() => {
          running--;
          return 'x';
        });
      }),
    );
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.send(line('GET / HTTP/1.1').repeat(10));
      for (let index = 0; index < 10; index++) expect((await client.response()).status).to.equal(200);
      expect(most).to.equal(1);
    });
  });

  it('a later answer does not overtake one that is stuck, and none is lost', async () => {
    const release$ = new Subject<void>();
    const handler = byPath({
      '/stuck': () =>
        release$.pipe(
          take(1),
          map(() => 'stuck'),
        ),
      '/': () => of('root'),
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.send(line('GET /stuck HTTP/1.1') + line('GET / HTTP/1.1') + line('GET  / HTTP/1.1'));
      await turns(20);
      expect(client.received).to.equal(0);
      release$.next();
      expect((await client.response()).body.toString()).to.equal('stuck');
      expect((await client.response()).body.toString()).to.equal('root');
      expect((await client.response()).status).to.equal(400);
      expect(await client.ended()).to.equal('end');
    });
  });

  it('a client that sends requests and does not read is not served without bound', async () => {
    let served = 0;
    const body = 'x'.repeat(100_000);
    const handler = map(() => {
      served++;
      return body;
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.pause().send(line('GET / HTTP/1.1').repeat(500));
      await untilAtRest('answers', () => served);
      // what the two socket buffers of the kernel may hold (up to 10 MiB) and a little more
      expect(served * body.length).to.be.below(16 * 1_048_576);
      client.resume();
      for (let index = 0; index < 500; index++) expect((await client.response()).body.length).to.equal(body.length);
    });
  });

  it('a client that sends without an end behind a request in work is not read without bound', async () => {
    const answer$ = new Subject<string>();
    await withServer(byPath({ '/': () => answer$.pipe(take(1)) }), {}, async (site) => {
      const client = await site.connect();
      client.send(line('GET / HTTP/1.1'));
      let isFlushed = false;
      client.send(line('GET /x HTTP/1.1').repeat(400_000)); // 12 MB
      void client.flushed().then(() => (isFlushed = true));
      await turns(200);
      expect(isFlushed, 'the kernel has taken 12 MB that nobody reads').to.equal(false);
      answer$.next('at last');
      expect((await client.response()).body.toString()).to.equal('at last');
    });
  });

  it('a client that has sent more than is read, and leaves, is noticed', async () => {
    let released = 0;
    const handler = byPath({ '/': () => NEVER.pipe(finalize(() => released++)) });
    await withServer(handler, { halfCloseTimeoutMs: 1_000 }, async (site) => {
      const client = await site.connect();
      await client.sendApart([line('GET / HTTP/1.1'), line('GET /x HTTP/1.1').repeat(20_000), '']);
      client.abort();
      await until('the handler is let go', () => released > 0);
    });
  });
});
