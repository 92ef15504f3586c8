import { expect } from 'chai';
import { concat, finalize, interval, map, mergeMap, NEVER, of, toArray } from 'rxjs';
import type { Handler, ServerOptions } from 'rx-http-kit';
import { byPath, soon } from '../support/by-path.js';
import { withFetch, type Fetch } from '../support/fetch-agent.js';
import { until } from '../support/raw-client.js';
import { withServer, type Site } from '../support/serve.js';

const reading: Handler = mergeMap((request) =>
  request.body$.pipe(
    toArray(),
    map((pieces) => Buffer.concat(pieces)),
  ),
);

/** A server and a fetch that has one connection to it, and may not make another. */
const withBoth = (
  handler: Handler,
  use: (site: Site, fetch: Fetch) => Promise<void>,
  options: Partial<ServerOptions> = {},
): Promise<void> => withServer(handler, options, (site) => withFetch(1, (fetch) => use(site, fetch)));

describe('fetch of Node.js', () => {
  it('uses one connection for many requests of all kinds', async () => {
    const handler = byPath({
      '/': () => of('root'),
      '/slow': () => soon('slow'),
      '/stream': () => concat(of('first '), soon('second')),
      '/echo': (request) => of(request).pipe(reading),
      '/empty': () => of({ status: 204 }),
      '/throws': () => {
        throw new Error('secret');
      },
    });
    await withBoth(handler, async (site, fetch) => {
      const { origin } = site;
      const text = async (path: string, init?: RequestInit): Promise<string> => (await fetch(origin + path, init)).text();
      expect(await text('/')).to.equal('root');
      expect(await text('/slow')).to.equal('slow');
      expect(await text('/stream')).to.equal('first second');
      expect(await text('/echo', { method: 'POST', body: 'hello' })).to.equal('hello');
      expect(await text('/echo', { method: 'PUT', body: Buffer.alloc(1_000_000, 'y') })).to.equal('y'.repeat(1_000_000));
      expect((await fetch(`${origin}/empty`)).status).to.equal(204);
      const failed = await fetch(`${origin}/throws`);
      expect(failed.status).to.equal(500);
      expect(await failed.text()).to.not.include('secret');
      const missing = await fetch(`${origin}/nowhere`);
      expect(missing.status).to.equal(404);
      await missing.text();
      expect(await text('/')).to.equal('root');
      expect(site.accepted, 'connections that fetch opened').to.equal(1);
      expect((await fetch(`${origin}/`, { method: 'HEAD' })).headers.get('content-length')).to.equal('4');
    });
  });

  it('sends a stream in chunks and reads the echo', async () => {
    await withBoth(
      map((request) => ({ body: request.body$ })),
      async ({ origin }, fetch) => {
        const parts = ['one ', 'two ', 'three'];
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            const part = parts.shift();
            if (part === undefined) controller.close();
            else controller.enqueue(Buffer.from(part));
          },
        });
        expect(await (await fetch(origin, { method: 'POST', body })).text()).to.equal('one two three');
      },
    );
  });

  it('echoes 20 MiB while it sends them', async () => {
    const body = Buffer.alloc(20 * 1_048_576, 'abcdefgh');
    await withBoth(
      map((request) => ({ body: request.body$ })),
      async ({ origin }, fetch) => {
        const echoed = await (await fetch(origin, { method: 'POST', body })).arrayBuffer();
        expect(Buffer.from(echoed).equals(body)).to.equal(true);
      },
      { maxBody: body.length, maxBufferedBytes: Infinity },
    );
  });

  it('reads the first piece of an endless reply', async () => {
    await withBoth(
      map(() => concat(of('first'), soon(''), interval(1).pipe(map(String)))),
      async ({ origin }, fetch) => {
        const response = await fetch(origin);
        const reader = response.body!.getReader();
        const { value } = await reader.read();
        expect(Buffer.from(value!).toString()).to.match(/^first/);
        await reader.cancel();
      },
    );
  });

  for (const [name, path] of [
    ['in the middle of a stream', '/stream'],
    ['before the first item', '/never'],
  ]) {
    it(`abort unsubscribes the reply, ${name}`, async () => {
      let released = 0;
      let running = 0;
      const handler: Handler = mergeMap((request) => {
        running++;
        return (request.uri === '/stream' ? interval(1).pipe(map(String)) : NEVER).pipe(finalize(() => released++));
      });
      // an aborted fetch closes its connection with a FIN: where nothing is sent, time alone tells that nobody waits
      const options = { halfCloseTimeoutMs: 1_000 };
      await withBoth(
        handler,
        async (site, fetch) => {
          const controller = new AbortController();
          const outcome = fetch(site.origin + path, { signal: controller.signal })
            .then(async (response) => {
              const reader = response.body!.getReader();
              await reader.read();
              controller.abort();
              return reader.read();
            })
            .then(
              () => 'completed',
              (error: Error) => error.name,
            );
          await until('the handler runs', () => running === 1);
          if (path === '/never') controller.abort();
          expect(await outcome).to.equal('AbortError');
          await until('the reply is let go', () => released === 1);
          expect(site.failures).to.deep.equal([]);
        },
        options,
      );
    });
  }

  it('fails on a reply that is cut, and does not take it for whole', async () => {
    const handler: Handler = mergeMap(() =>
      concat(
        of('begun'),
        soon('').pipe(
          map((): string => {
            throw new Error('secret');
          }),
        ),
      ),
    );
    await withBoth(handler, async ({ origin }, fetch) => {
      const response = await fetch(origin);
      const outcome = await response.text().then(
        (text) => `completed with ${text}`,
        (error: Error) => error.name,
      );
      expect(outcome).to.equal('TypeError');
    });
  });

  it('two hundred requests over twenty connections get each its own answer', async () => {
    const handler: Handler = mergeMap((request) => soon(request.uri));
    await withServer(handler, {}, async (site) => {
      await withFetch(20, async (fetch) => {
        const answers = await Promise.all(Array.from({ length: 200 }, async (_, index) => (await fetch(`${site.origin}/${index}`)).text()));
        expect(answers).to.deep.equal(Array.from({ length: 200 }, (_, index) => `/${index}`));
        expect(site.accepted).to.be.at.most(20);
      });
    });
  });
});
