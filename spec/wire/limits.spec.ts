import { expect } from 'chai';
import { EMPTY, finalize, map, mergeMap, NEVER, Subject, take, toArray } from 'rxjs';
import { runServer, type Handler, type ServerOptions } from 'rx-http-kit';
import { RawClient, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { Site, withServer } from '../support/serve.js';
import { line, post } from './cases/case.js';

const reading: Handler = mergeMap((request) =>
  request.body$.pipe(
    toArray(),
    map((pieces) => Buffer.concat(pieces).toString()),
  ),
);
const chunkedPost = (body: string): string => post('Transfer-Encoding: chunked', body);

/** Options, what is sent, and the status; 200 lives on, all else closes. */
const LIMITS: Readonly<Record<string, readonly [Partial<ServerOptions>, string, number]>> = {
  'maxBody: as much by length': [{ maxBody: 5 }, post('Content-Length: 5', 'hello'), 200],
  'maxBody: more by length': [{ maxBody: 4 }, post('Content-Length: 5'), 413],
  'maxBody: as much in chunks': [{ maxBody: 5 }, chunkedPost('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), 200],
  'maxBody: more in chunks': [{ maxBody: 4 }, chunkedPost('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), 413],
  'maxBody: more in the first chunk, before its data': [{ maxBody: 4 }, chunkedPost('5\r\n'), 413],
  'maxBody: 0 and no body': [{ maxBody: 0 }, post('Content-Length: 0'), 200],
  'maxBody: 0 and an empty chunked body': [{ maxBody: 0 }, chunkedPost('0\r\n\r\n'), 200],
  'maxBody: 0 and a body': [{ maxBody: 0 }, post('Content-Length: 1', 'x'), 413],
  'maxBody: Infinity': [{ maxBody: Infinity }, post('Content-Length: 5', 'hello'), 200],
  'maxLine: as long': [{ maxLine: 20 }, line('GET /aaaaaa HTTP/1.1'), 200],
  'maxLine: one more': [{ maxLine: 20 }, line('GET /aaaaaaa HTTP/1.1'), 414],
  'maxLine: a field as long': [{ maxLine: 20 }, 'GET / HTTP/1.1\r\nHost: xxxxxxxxxxxxxx\r\n\r\n', 200],
  'maxLine: a field one more': [{ maxLine: 20 }, 'GET / HTTP/1.1\r\nHost: xxxxxxxxxxxxxxx\r\n\r\n', 414],
  'maxLine: a line without an end': [{ maxLine: 20 }, 'G'.repeat(22), 414],
  'maxHeaders: as many': [{ maxHeaders: 2 }, 'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n', 200],
  'maxHeaders: one more': [{ maxHeaders: 2 }, 'GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n', 431],
  'maxHeaders: with trailers, as many': [{ maxHeaders: 3 }, chunkedPost('0\r\nA: b\r\n\r\n'), 200],
  'maxHeaders: with trailers, one more': [{ maxHeaders: 3 }, chunkedPost('0\r\nA: b\r\nC: d\r\n\r\n'), 431],
  'maxHeadBytes: as many': [{ maxHeadBytes: 64 }, `GET / HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(64 - 32)}\r\n\r\n`, 200],
  'maxHeadBytes: one more': [{ maxHeadBytes: 64 }, `GET / HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(65 - 32)}\r\n\r\n`, 431],
  'maxHeadBytes: padding counts': [{ maxHeadBytes: 64 }, `GET / HTTP/1.1\r\nHost: x\r\nA:${' '.repeat(65)}b\r\n\r\n`, 431],
  'maxHeadBytes: empty lines count': [{ maxHeadBytes: 64 }, `${'\r\n'.repeat(25)}GET / HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  'maxHeadBytes: only empty lines': [{ maxHeadBytes: 64 }, '\r\n'.repeat(100), 431],
  'maxHeadBytes: with trailers, one more': [{ maxHeadBytes: 128 }, chunkedPost(`0\r\nA: ${'b'.repeat(80)}\r\n\r\n`), 431],
};

describe('limits', () => {
  for (const [name, [options, send, status]] of Object.entries(LIMITS)) {
    it(`${name}: ${status}`, async () => {
      for (const pieces of [[send], [...send]]) {
        await withServer(reading, options, async (site) => {
          const client = await site.connect();
          await client.sendApart(pieces);
          const response = await client.response();
          expect(response.status).to.equal(status);
          if (status === 200) {
            expect((await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').response()).status, 'the next').to.equal(200);
          } else {
            expect(await client.ended()).to.equal('end');
            expect(site.failures).to.deep.equal([]);
          }
        });
      }
    });
  }

  it('maxRequestsPerConnection: the last one is answered with connection: close', async () => {
    await withServer(reading, { maxRequestsPerConnection: 3 }, async (site) => {
      const client = await site.connect();
      client.send(line('GET / HTTP/1.1').repeat(5));
      expect(valueOf(await client.response(), 'connection')).to.equal(undefined);
      expect(valueOf(await client.response(), 'connection')).to.equal(undefined);
      expect(valueOf(await client.response(), 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
    });
  });

  it('maxConnections: one more is closed at once, and a place is free when one has left', async () => {
    await withServer(reading, { maxConnections: 2 }, async (site) => {
      const first = await site.connect();
      const second = await site.connect();
      expect((await first.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      expect((await second.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      const third = await RawClient.open(site.target);
      expect((await third.cut()).isComplete).to.equal(false);
      expect(third.received).to.equal(0);
      third.leave();
      first.leave();
      await site.letGo(1);
      const fourth = await site.connect();
      expect((await fourth.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      expect((await second.send(line('GET / HTTP/1.1')).response()).status, 'undisturbed').to.equal(200);
      expect(site.codes, 'the third').to.deep.equal(['RHK_TOO_MANY_CONNECTIONS']);
      expect(site.events[0].type).to.equal('overload');
    });
  });

  it('port: one that is taken rejects with the code of the system, and names the address', async () => {
    await withServer(reading, {}, async (site) => {
      let failure: NodeJS.ErrnoException | undefined;
      try {
        await (await runServer(reading, { ip: '127.0.0.1', port: site.port })).stop();
      } catch (error) {
        failure = error as NodeJS.ErrnoException; // looked at below
      }
      expect(failure?.code).to.equal('EADDRINUSE');
      expect(failure?.message).to.include(String(site.port)).and.include('127.0.0.1');
    });
  });
});

describe('queueSize', () => {
  const start = async (
    queueSize: number,
  ): Promise<{ site: Site; release$: Subject<void>; running: () => number; releases: () => number }> => {
    const release$ = new Subject<void>();
    let running = 0;
    let released = 0;
    const handler: Handler = mergeMap((request) => {
      if (request.uri === '/empty') return EMPTY;
      if (request.uri === '/never') running++;
      return (request.uri === '/never' ? NEVER : release$.pipe(take(1))).pipe(
        map(() => 'released'),
        finalize(() => released++),
      );
    });
    return { site: await Site.start(handler, { queueSize }), release$, running: () => running, releases: () => released };
  };

  it('one more than may wait gets 503 with retry-after, at once; the others are answered', async () => {
    const { site, release$ } = await start(2);
    try {
      const waiting = [await site.connect(), await site.connect()];
      for (const client of waiting) await client.sendApart([line('GET / HTTP/1.1'), '']);
      const refused = await site.connect();
      const response = await refused.send(line('GET / HTTP/1.1')).response();
      expect(response.status).to.equal(503);
      expect(valueOf(response, 'retry-after')).to.match(/^[1-9][0-9]*$/);
      expect(site.events.map(({ type }) => type)).to.deep.equal(['overload']);
      release$.next();
      for (const client of waiting) expect((await client.response()).body.toString()).to.equal('released');
      const later = await site.connect();
      await later.sendApart([line('GET / HTTP/1.1'), '']);
      release$.next();
      expect((await later.response()).body.toString(), 'a place is free again').to.equal('released');
    } finally {
      await site.stop();
    }
  });

  it('a client that has left frees its place, and its handler is let go', async () => {
    const { site, running, releases: released } = await start(1);
    try {
      const first = await site.connect();
      first.send(line('GET /never HTTP/1.1'));
      await until('the handler runs', () => running() > 0);
      const second = await site.connect();
      expect((await second.send(line('GET /never HTTP/1.1')).response()).status).to.equal(503);
      first.abort();
      await until('the handler is let go', () => released() > 0);
      expect((await second.send(line('GET /empty HTTP/1.1')).response()).status).to.equal(404);
    } finally {
      await site.stop();
    }
  });

  it('replies that have begun take no place', async () => {
    const streaming: Handler = map((request) => (request.uri === '/stream' ? { body: NEVER } : 'x'));
    await withServer(streaming, { queueSize: 1 }, async (site) => {
      for (let index = 0; index < 5; index++) {
        const client = await site.connect();
        client.send(line('GET /stream HTTP/1.1'));
        await until('the head is there', () => client.received > 0);
      }
      const client = await site.connect();
      expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
    });
  });
});
