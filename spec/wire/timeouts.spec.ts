/**
 * What the server does about time. Its clock ticks once a second, so these scenarios take seconds each: they all run side
 * by side, each with a server of its own, and every `it` waits for the outcome of one.
 */
import { expect } from 'chai';
import { finalize, map, mergeMap, NEVER, of, timer, toArray } from 'rxjs';
import type { Handler, ServerOptions } from 'rx-http-kit';
import { until, type RawClient } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { withServer, type Site } from '../support/serve.js';
import { line } from './cases/case.js';

/** Two ticks behind an option of one second, and a little. */
const SOON_MS = 4_500;
/** Behind the five seconds that a slow body and a lingering client get. */
const LATE_MS = 12_000;

const reading: Handler = mergeMap((request) =>
  request.body$.pipe(
    toArray(),
    map((pieces) => Buffer.concat(pieces).toString()),
  ),
);

/** Sends a piece every so often until the server has had enough; what is sent is the subject of the test, not a wait. */
const drip = (client: RawClient, piece: string, everyMs: number): (() => void) => {
  const ticker = setInterval(() => client.send(piece), everyMs);
  return () => clearInterval(ticker);
};

interface Scenario {
  readonly handler?: Handler;
  readonly options: Partial<ServerOptions>;
  readonly run: (site: Site, client: RawClient) => Promise<void>;
}

/** The connection ends, and not a byte was sent to the client beyond what it had. */
const endsWithoutAByte = async (client: RawClient): Promise<void> => {
  const before = client.received;
  expect(await client.ended(SOON_MS)).to.equal('end');
  expect(client.received - before, 'bytes in farewell').to.equal(0);
};

const answers408 = async (client: RawClient): Promise<void> => {
  const response = await client.response('GET', LATE_MS);
  expect(response.status).to.equal(408);
  expect(valueOf(response, 'connection')).to.equal('close');
  expect(await client.ended()).to.equal('end');
};

const HEAD_1S = { headTimeoutMs: 1_000 };
const IDLE_1S = { keepAliveTimeoutMs: 1_000 };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a connection without a byte is closed without a word': { options: IDLE_1S, run: (_, client) => endsWithoutAByte(client) },
  'a connection that idles behind an answer is closed without a word': {
    options: IDLE_1S,
    run: async (_, client) => {
      expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      await endsWithoutAByte(client);
    },
  },
  'a connection that idles behind a body is closed without a word': {
    options: IDLE_1S,
    run: async (_, client) => {
      expect((await client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello').response()).status).to.equal(200);
      await endsWithoutAByte(client);
    },
  },
  'empty lines that drip do not keep a connection open': {
    options: { ...IDLE_1S, ...HEAD_1S },
    run: async (_, client) => {
      const stop = drip(client, '\r\n', 150);
      try {
        expect(await client.ended(SOON_MS).catch(() => 'still open')).to.equal('end');
      } finally {
        stop();
      }
    },
  },
  'half a request line is 408': { options: HEAD_1S, run: (_, client) => answers408(client.send('GET / HT')) },
  'half a head is 408': { options: HEAD_1S, run: (_, client) => answers408(client.send('GET / HTTP/1.1\r\nHost: x\r\nA: b')) },
  'a single byte is 408': { options: HEAD_1S, run: (_, client) => answers408(client.send('G')) },
  'a head without its last line end is 408': {
    options: HEAD_1S,
    run: (_, client) => answers408(client.send('GET / HTTP/1.1\r\nHost: x\r\n\r')),
  },
  'half a head behind an answer is 408': {
    options: HEAD_1S,
    run: async (_, client) => {
      client.send(`${line('GET / HTTP/1.1')}GET / HT`);
      expect((await client.response()).status).to.equal(200);
      await answers408(client);
    },
  },
  'a head that drips is 408: a byte does not reset the clock': {
    options: HEAD_1S,
    run: async (_, client) => {
      client.send('GET / HTTP/1.1\r\nHost: x\r\nA: ');
      const stop = drip(client, 'a', 100);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'a head that drips in whole lines is 408': {
    options: HEAD_1S,
    run: async (_, client) => {
      client.send('GET / HTTP/1.1\r\nHost: x\r\n');
      const stop = drip(client, 'A: b\r\n', 100);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'a body that drips is 408': {
    options: {},
    run: async (_, client) => {
      client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n');
      const stop = drip(client, 'x', 100);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'a body that does not begin is 408': {
    options: {},
    run: (_, client) => answers408(client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n')),
  },
  'a body that stops is 408': {
    options: {},
    run: (_, client) => answers408(client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhello')),
  },
  'chunks that drip are 408': {
    options: {},
    run: async (_, client) => {
      client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
      const stop = drip(client, '1\r\nx\r\n', 100);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'an extension that drips is 408': {
    options: {},
    run: async (_, client) => {
      client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;');
      const stop = drip(client, 'e', 100);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'trailers that drip are 408': {
    options: {},
    run: async (_, client) => {
      client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n');
      const stop = drip(client, 'A: b\r\n', 200);
      try {
        await answers408(client);
      } finally {
        stop();
      }
    },
  },
  'a body that no handler reads and that does not come is not waited for forever': {
    handler: map(() => 'ignored'),
    options: IDLE_1S,
    run: async (site, client) => {
      const response = await client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n').response();
      expect(response.status).to.equal(200);
      await client.ended(LATE_MS);
      client.finish();
      await until('the server has closed', () => site.open === 0, LATE_MS);
    },
  },
  'a body that no handler reads and that drips is not waited for forever': {
    handler: map(() => 'ignored'),
    options: IDLE_1S,
    run: async (site, client) => {
      const response = await client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n').response();
      expect(response.status).to.equal(200);
      const stop = drip(client, 'x', 100);
      try {
        await client.ended(LATE_MS);
      } finally {
        stop();
      }
      client.finish();
      await until('the server has closed', () => site.open === 0, LATE_MS);
    },
  },
  'a slow body is read where bodyMinBytesPerSecond is 0': {
    options: { bodyMinBytesPerSecond: 0, ...IDLE_1S, ...HEAD_1S },
    run: async (_, client) => {
      client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70\r\n\r\n');
      const stop = drip(client, 'x', 100); // 7 s, longer than the grace of 5 s
      try {
        const response = await client.response('GET', LATE_MS);
        expect(response.status).to.equal(200);
        expect(response.body.length).to.equal(70);
      } finally {
        stop();
      }
    },
  },
  'a handler that takes its time is waited for': {
    handler: mergeMap(() => timer(4_000).pipe(map(() => 'late'))),
    options: { ...IDLE_1S, ...HEAD_1S, stallTimeoutMs: 1_000 },
    run: async (_, client) => {
      expect((await client.send(line('GET / HTTP/1.1')).response()).body.toString()).to.equal('late');
    },
  },
  'a stream that pauses is waited for': {
    handler: map(() => ({ body: timer(0, 3_500).pipe(map((tick) => (tick === 0 ? 'begun' : 'end'))) })),
    options: { ...IDLE_1S, ...HEAD_1S, stallTimeoutMs: 1_000 },
    run: async (_, client) => {
      client.send(line('GET / HTTP/1.1'));
      expect((await client.bodyBytes(8)).toString()).to.equal('begunend');
    },
  },
  'a client that keeps its end open behind an error is left after a while': {
    options: {},
    run: async (site, client) => {
      expect((await client.send('GET  / HTTP/1.1\r\n\r\n').response()).status).to.equal(400);
      expect(await client.ended()).to.equal('end');
      await until('the server has closed', () => site.open === 0, LATE_MS);
    },
  },
  'a client that keeps its end open behind connection: close is left after a while': {
    options: {},
    run: async (site, client) => {
      expect((await client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n').response()).status).to.equal(200);
      expect(await client.ended()).to.equal('end');
      await until('the server has closed', () => site.open === 0, LATE_MS);
    },
  },
};

/** Needs its own handler in reach of its assertions. */
const stalled = (): Scenario => {
  let released = 0;
  const endless = function* (): Generator<string> {
    for (;;) yield 'x'.repeat(65_536);
  };
  return {
    options: { stallTimeoutMs: 1_000 },
    handler: mergeMap(() => of({ body: endless() }).pipe(finalize(() => released++))),
    run: async (site, client) => {
      client.pause().send(line('GET / HTTP/1.1'));
      await until('the server has closed', () => site.open === 0, LATE_MS);
      expect(released).to.equal(1);
      expect(site.codes).to.deep.equal(['RHK_STALLED']);
    },
  };
};

const halfClosedAndGone = (): Scenario => {
  let released = 0;
  return {
    options: { halfCloseTimeoutMs: 1_000 },
    handler: mergeMap(() => NEVER.pipe(finalize(() => released++))),
    run: async (site, client) => {
      await client.sendApart([line('GET / HTTP/1.1')]);
      client.finish();
      await until('the server has closed', () => site.open === 0, LATE_MS);
      expect(released).to.equal(1);
    },
  };
};

describe('time', () => {
  const all: Readonly<Record<string, Scenario>> = {
    ...SCENARIOS,
    'a client that takes nothing of a reply is cut off, its handler let go': stalled(),
    'a client that has half-closed and is not answered is left after a while': halfClosedAndGone(),
  };
  const outcomes = new Map<string, Promise<unknown>>();

  before(() => {
    for (const [name, { handler = reading, options, run }] of Object.entries(all)) {
      const outcome = withServer(handler, options, async (site) => run(site, await site.connect()));
      outcomes.set(
        name,
        outcome.then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
    }
  });

  for (const name of Object.keys(all)) {
    it(name, async function () {
      this.timeout(20_000);
      const error = await outcomes.get(name);
      if (error !== undefined) throw error;
    });
  }
});
