import { expect } from 'chai';
import { map, mergeMap, of, Subject, take, throwError, toArray } from 'rxjs';
import { HttpError, type Handler } from 'rx-http-kit';
import { byPath, soon } from '../support/by-path.js';
import { turns, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { withServer } from '../support/serve.js';
import { line } from './cases/case.js';

const head = (fields: string, path: string = '/', version: string = '1.1'): string =>
  `POST ${path} HTTP/${version}\r\nHost: x\r\nExpect: 100-continue\r\n${fields}\r\n\r\n`;

const reading: Handler = mergeMap((request) =>
  request.body$.pipe(
    toArray(),
    map((pieces) => Buffer.concat(pieces).toString()),
  ),
);

describe('expect: 100-continue, RFC 9110 §10.1.1', () => {
  for (const [name, fields, body] of [
    ['by length', 'Content-Length: 5', 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ]) {
    it(`is answered with 100 when the body is wanted, ${name}`, async () => {
      await withServer(reading, {}, async (site) => {
        const client = await site.connect();
        client.send(head(fields));
        await until('a 100 comes', () => client.received > 0);
        expect(client.received, 'nothing but the 100').to.equal('HTTP/1.1 100 Continue\r\n\r\n'.length);
        const response = await client.send(body).response();
        expect(response.interim).to.deep.equal([100]);
        expect(response.body.toString()).to.equal('hello');
        // and again on the same connection
        client.send(head(fields));
        const before = client.received;
        await until('a second 100 comes', () => client.received > before);
        expect((await client.send(body).response()).interim).to.deep.equal([100]);
      });
    });
  }

  it('is not answered before the body is wanted', async () => {
    const want$ = new Subject<void>();
    let isRunning = false;
    const handler: Handler = mergeMap((request) => {
      isRunning = true;
      return want$.pipe(
        take(1),
        mergeMap(() => of(request).pipe(reading)),
      );
    });
    await withServer(handler, {}, async (site) => {
      const client = await site.connect();
      client.send(head('Content-Length: 5'));
      await until('the handler runs', () => isRunning);
      await turns(10);
      expect(client.received).to.equal(0);
      want$.next();
      await until('a 100 comes', () => client.received > 0);
      expect((await client.send('hello').response()).interim).to.deep.equal([100]);
    });
  });

  for (const [name, path, status] of [
    ['a handler that does not read', '/ignore', 200],
    ['a handler that answers later without reading', '/later', 200],
    ['a handler that refuses', '/refuse', 403],
    ['a handler that is not there', '/nowhere', 404],
  ] as const) {
    it(`is not answered with 100 by ${name}; the connection closes, as the body may come or not`, async () => {
      const handler = byPath({
        '/ignore': () => of('ignored'),
        '/later': () => soon('later'),
        '/refuse': () => throwError(() => new HttpError(403, 'no')),
      });
      await withServer(handler, {}, async (site) => {
        const client = await site.connect();
        const response = await client.send(head('Content-Length: 35', path)).response();
        expect(response.status).to.equal(status);
        expect(response.interim).to.deep.equal([]);
        expect(valueOf(response, 'connection')).to.equal('close');
        client.send(line('GET /smuggled HTTP/1.1'));
        expect(await client.ended()).to.equal('end');
      });
    });
  }

  it('is not answered with 100 when the body has begun to come', async () => {
    await withServer(reading, {}, async (site) => {
      const client = await site.connect();
      const response = await client.send(`${head('Content-Length: 5')}hel`, 'lo').response();
      expect(response.interim).to.deep.equal([]);
      expect(response.body.toString()).to.equal('hello');
    });
  });

  it('is not answered with 100 in HTTP/1.0', async () => {
    await withServer(reading, {}, async (site) => {
      const client = await site.connect();
      await client.sendApart([head('Content-Length: 5', '/', '1.0')]);
      await turns(10);
      expect(client.received).to.equal(0);
      const response = await client.send('hello').response();
      expect(response.interim).to.deep.equal([]);
      expect(response.body.toString()).to.equal('hello');
    });
  });

  it('is not answered with 100 where there is no body', async () => {
    await withServer(reading, {}, async (site) => {
      const client = await site.connect();
      expect((await client.send('GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n').response()).interim).to.deep.equal([]);
      expect((await client.send(head('Content-Length: 0')).response()).interim).to.deep.equal([]);
    });
  });

  it('is not answered with 100 when the length is refused', async () => {
    await withServer(reading, { maxBody: 10 }, async (site) => {
      const client = await site.connect();
      const response = await client.send(head('Content-Length: 11')).response();
      expect(response.status).to.equal(413);
      expect(response.interim).to.deep.equal([]);
      expect(await client.ended()).to.equal('end');
    });
  });

  it('waits behind the answers owed', async () => {
    await withServer(byPath({ '/slow': () => soon('slow'), '/': (request) => of(request).pipe(reading) }), {}, async (site) => {
      const client = await site.connect();
      client.send(line('GET /slow HTTP/1.1'), head('Content-Length: 5'));
      const first = await client.response();
      expect(first.body.toString()).to.equal('slow');
      expect(first.interim).to.deep.equal([]);
      await turns(10);
      const second = await client.send('hello').response();
      expect(second.interim).to.deep.equal([100]);
      expect(second.body.toString()).to.equal('hello');
    });
  });
});
