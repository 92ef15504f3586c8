/** An export that is larger than the memory it may take, from a server in a process of its own. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { isFullSize } from '../support/full-size.js';
import { until } from '../support/raw-client.js';
import { ServerApart } from '../support/server-apart.js';

const MEBIBYTE = 1_048_576;
/** Of a thousand octets each. */
const LINES = isFullSize ? 1_000_000 : 100_000;
const LINE_OCTETS = 1_000;
const BOUND = 64 * MEBIBYTE;
const LF = 0x0a;

describe('an export from a generator', () => {
  const withServer = async (use: (server: ServerApart) => Promise<void>): Promise<void> => {
    const server = await ServerApart.start(new URL('./subjects/export-server.js', import.meta.url), String(LINES));
    try {
      await use(server);
    } finally {
      await server.stop();
    }
  };

  it('waits for its client, and is read whole, in constant memory', async () => {
    await withServer(async (server) => {
      const start = await server.ask('start');
      const response = await begin(server.port);
      await untilResting(server);
      expect(await server.ask('made'), 'lines while nobody reads').to.be.below(LINES / 4);
      const { lines, octets } = await readUpTo(Infinity, response);
      const peak = await server.ask('peak');
      if (isFullSize)
        console.log(`      ${octets} octets, ${(start / MEBIBYTE).toFixed(1)} + ${((peak - start) / MEBIBYTE).toFixed(1)} MiB`);
      expect(lines).to.equal(LINES);
      expect(octets).to.equal(LINES * LINE_OCTETS);
      expect(peak - start, 'resident octets').to.be.below(BOUND);
      expect(await server.ask('letGo')).to.equal(1);
    });
  }).timeout(isFullSize ? 300_000 : 60_000);

  it('is let go when its client leaves after a hundredth, and was made no further than that client took', async () => {
    await withServer(async (server) => {
      await readUpTo(LINES / 100, await begin(server.port));
      await until('the generator was let go', async () => (await server.ask('letGo')) === 1);
      expect(await server.ask('made'), 'lines').to.be.within(LINES / 100, LINES / 2);
    });
  }).timeout(30_000);
});

const begin = async (port: number): Promise<IncomingMessage> => {
  const request = get({ port, host: '127.0.0.1', agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage]; // the types of `once` know no event by name
  return response;
};

/** Lines were made, and no more are. */
const untilResting = async (server: ServerApart): Promise<void> => {
  let last = 0;
  let still = 0;
  await until('no more lines are made', async () => {
    const made = await server.ask('made');
    still = made > 0 && made === last ? still + 1 : 0;
    last = made;
    return still >= 100;
  });
};

/** Counts what comes, and leaves behind so many lines. */
const readUpTo = async (most: number, response: IncomingMessage): Promise<{ readonly lines: number; readonly octets: number }> => {
  let lines = 0;
  let octets = 0;
  for await (const bytes of response as AsyncIterable<Buffer>) {
    octets += bytes.length;
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
    if (lines >= most) break; // destroys the response, and its socket
  }
  return { lines, octets };
};
