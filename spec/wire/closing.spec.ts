import { expect } from 'chai';
import { concat, map, mergeMap, of, toArray } from 'rxjs';
import type { Handler } from 'rx-http-kit';
import { byPath, soon } from '../support/by-path.js';
import { turns } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { withServer } from '../support/serve.js';
import { line, post } from './cases/case.js';

const reading: Handler = mergeMap((request) =>
  request.body$.pipe(
    toArray(),
    map((pieces) => Buffer.concat(pieces).toString()),
  ),
);
const app = byPath({
  '/': () => of('root'),
  '/read': (request) => of(request).pipe(reading),
  '/ignore': () => of('ignored'),
  '/slow': () => soon('slow'),
  '/stream': () => concat(of('first '), soon('second ')),
});

/** A client that waits with reading until everything has been sent, as one that is busy writing does. */
const LATE_READERS: Readonly<Record<string, readonly [status: number, first: string, behind: number]>> = {
  'a malformed request and 60,000 bytes behind it': [400, 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 60_000],
  'a body above maxBody and 60,000 bytes of it': [413, post('Content-Length: 99999999'), 60_000],
  'connection: close and 60,000 bytes behind it': [200, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 60_000],
  'HTTP/1.0 and 60,000 bytes behind it': [200, 'GET / HTTP/1.0\r\n\r\n', 60_000],
  'a head that is too large': [431, `GET / HTTP/1.1\r\nHost: x\r\n${`A: ${'b'.repeat(4_000)}\r\n`.repeat(17)}`, 40_000],
  'a malformed chunk and 60,000 bytes behind it': [
    400,
    'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
    60_000,
  ],
  'a body of 100,000 bytes that no handler reads, 50,000 of it sent': [
    200,
    'POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n',
    50_000,
  ],
};

describe('closing without a reset, RFC 9112 §9.6', () => {
  for (const [name, [status, first, behind]] of Object.entries(LATE_READERS)) {
    it(`${name}: the answer can still be read`, async () => {
      await withServer(app, {}, async (site) => {
        const client = await site.connect();
        client.pause().send(first);
        await turns(10);
        for (let sent = 0; sent < behind; sent += 5_000) await client.sendApart(['z'.repeat(5_000)]);
        await turns(10);
        client.resume();
        const response = await client.response();
        expect(response.status).to.equal(status);
        expect(valueOf(response, 'connection')).to.equal('close');
        expect(await client.ended()).to.equal('end');
        client.finish();
        await site.letGo();
      });
    });
  }

  it('the server closes as soon as the client has closed too', async () => {
    await withServer(app, {}, async (site) => {
      const client = await site.connect();
      await client.send('GET  / HTTP/1.1\r\n\r\n').response();
      expect(await client.ended()).to.equal('end');
      expect(site.open).to.equal(1);
      client.finish();
      await site.letGo();
    });
  });

  it('a client that goes on and on behind the answer is cut off', async () => {
    await withServer(app, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send('GET  / HTTP/1.1\r\n\r\n').response()).status).to.equal(400);
      let sent = 0;
      while (site.open > 0 && sent < 50_000_000) {
        await client.sendApart(['z'.repeat(60_000)]);
        sent += 60_000;
      }
      expect(site.open).to.equal(0);
      expect(sent).to.be.below(1_000_000);
    });
  });
});

describe('bodies that no handler has read, RFC 9112 §9.3', () => {
  const unread = (length: number): string => `POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

  for (const length of [1, 1_000, 60_000]) {
    it(`${length} bytes that come with the request are skipped`, async () => {
      await withServer(app, {}, async (site) => {
        const client = await site.connect();
        client.send(unread(length), 'z'.repeat(length), line('GET / HTTP/1.1'));
        expect((await client.response()).body.toString()).to.equal('ignored');
        expect((await client.response()).body.toString()).to.equal('root');
      });
    });

    it(`${length} bytes that come after the answer are skipped`, async () => {
      await withServer(app, {}, async (site) => {
        const client = await site.connect();
        const response = await client.send(unread(length)).response();
        expect(response.body.toString()).to.equal('ignored');
        expect(valueOf(response, 'connection')).to.equal(undefined);
        client.send('z'.repeat(length), line('GET / HTTP/1.1'));
        expect((await client.response()).body.toString()).to.equal('root');
      });
    });
  }

  it('more than 64 KiB close the connection, and the answer says so', async () => {
    await withServer(app, {}, async (site) => {
      const client = await site.connect();
      const response = await client.send(unread(1_000_000)).response();
      expect(response.body.toString()).to.equal('ignored');
      expect(valueOf(response, 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
    });
  });

  it('chunks without an end are not skipped forever', async () => {
    await withServer(app, {}, async (site) => {
      const client = await site.connect();
      const response = await client.send('POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n').response();
      expect(response.body.toString()).to.equal('ignored');
      let sent = 0;
      while (site.open > 0 && sent < 10_000_000) {
        await client.sendApart([`1000\r\n${'z'.repeat(4_096)}\r\n`]);
        sent += 4_096;
      }
      expect(sent).to.be.below(1_000_000);
    });
  });

  it('a smuggled request inside is skipped with them', async () => {
    let smuggled = 0;
    const handler: Handler = map((request) => {
      if (request.uri === '/smuggled') smuggled++;
      return request.uri;
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      const body = line('GET /smuggled HTTP/1.1');
      await client.send(unread(body.length)).response();
      await client.sendApart([body, line('GET /after HTTP/1.1')]);
      expect((await client.response()).body.toString()).to.equal('/after');
      expect(smuggled).to.equal(0);
    });
  });
});

describe('clients that half-close', () => {
  const HALF_CLOSED: Readonly<Record<string, readonly [send: string, answers: readonly string[]]>> = {
    'behind a request': [line('GET / HTTP/1.1'), ['root']],
    'behind a request that takes its time': [line('GET /slow HTTP/1.1'), ['slow']],
    'behind a request for a stream': [line('GET /stream HTTP/1.1'), ['first second ']],
    'behind two requests': [line('GET /slow HTTP/1.1') + line('GET / HTTP/1.1'), ['slow', 'root']],
    'behind five requests': [line('GET /slow HTTP/1.1').repeat(5), ['slow', 'slow', 'slow', 'slow', 'slow']],
    'behind a body': ['POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', ['hello']],
    'behind a chunked body': ['POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', ['hello']],
    'behind a body that no handler reads': ['POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', ['ignored']],
    'in a body that no handler reads': ['POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello', ['ignored']],
    'behind HTTP/1.0': ['GET /slow HTTP/1.0\r\n\r\n', ['slow']],
    'behind nothing': ['', []],
    'behind an empty line': ['\r\n', []],
  };

  for (const [name, [send, answers]] of Object.entries(HALF_CLOSED)) {
    for (const apart of [false, true]) {
      it(`${name}${apart ? ', a moment later' : ''} are answered, then the connection ends`, async () => {
        await withServer(app, {}, async (site) => {
          const client = await site.connect();
          if (apart) await client.sendApart([send, '']);
          else client.send(send);
          client.finish();
          for (const answer of answers) expect((await client.response()).body.toString()).to.equal(answer);
          expect(await client.ended()).to.equal('end');
          await site.letGo();
          expect(site.failures).to.deep.equal([]);
        });
      });
    }
  }

  for (const [name, send] of Object.entries({
    'in a request line': 'GET / HT',
    'in a field line': 'GET / HTTP/1.1\r\nHost: x\r\nA: b',
    'before the last line end': 'GET / HTTP/1.1\r\nHost: x\r\n\r',
    'in a body': 'POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello',
    'before a body': 'POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n',
    'in a chunk': 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    'in a chunk size': 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5',
    'before the last chunk': 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'before the end of the trailers': 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n',
  })) {
    it(`${name} have sent an incomplete message: 400, RFC 9112 §8`, async () => {
      await withServer(app, {}, async (site) => {
        const client = await site.connect();
        await client.sendApart([send]);
        client.finish();
        const response = await client.response();
        expect(response.status).to.equal(400);
        expect(valueOf(response, 'connection')).to.equal('close');
        expect(await client.ended()).to.equal('end');
        await site.letGo();
      });
    });
  }
});

describe('clients that leave', () => {
  for (const [name, send] of Object.entries({
    'without a byte': '',
    'in a request line': 'GET / HT',
    'in a field': 'GET / HTTP/1.1\r\nHost',
    'in a body': 'POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello',
    'in a chunk': 'POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    'in a pipeline': line('GET /slow HTTP/1.1').repeat(3),
    'in a stream': line('GET /stream HTTP/1.1'),
  })) {
    for (const how of ['abort', 'leave'] as const) {
      it(`${name} by ${how === 'abort' ? 'a reset' : 'a close'} cause no failure, and are let go`, async () => {
        await withServer(app, {}, async (site) => {
          const client = await site.connect();
          await client.sendApart([send]);
          await turns(1);
          client[how]();
          await site.letGo();
          expect(site.failures).to.deep.equal([]);
        });
      });
    }
  }
});
