/**
 * A hundred slow clients beside a hundred fast ones on one feed, and the memory of the server, which is a process of its own.
 *
 * The feed is published in rounds: the next one when all fast clients have all of this one. Whoever let a slow client hold up
 * the feed, or the others, would never come to the end.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { handshake } from '../support/frame-client.js';
import { isFullSize } from '../support/full-size.js';
import { PacedClient } from '../support/paced-client.js';
import { until } from '../support/raw-client.js';
import { ServerApart } from '../support/server-apart.js';

const MEBIBYTE = 1_048_576;
const OCTETS = 4_096;
const IN_ROUND = 8;
const ROUNDS = (isFullSize ? 20 : 2) * (MEBIBYTE / OCTETS / IN_ROUND);
const MESSAGES = ROUNDS * IN_ROUND;
/** Of the server's memory, with room for two hundred times what one socket takes by itself. */
const BOUND = 64 * MEBIBYTE;
const EACH = 100;
/** Ten kilobytes a second. */
const TICK_MS = 100;
const OCTETS_A_TICK = 1_024;

const SUBJECT = new URL('./subjects/fed-server.js', import.meta.url);
/** The kernel takes megabytes for a TCP client that reads nothing, but little on a Unix socket: so little traffic shows the same. */
const path = join(tmpdir(), `slow-readers-${process.pid}.sock`);

const REQUESTS: Readonly<Record<string, string>> = {
  'a WebSocket': handshake(),
  'server-sent events': 'GET /?transport=sse HTTP/1.1\r\nhost: x\r\n\r\n',
};

describe('a hundred slow clients beside a hundred fast ones', () => {
  for (const [transport, request] of Object.entries(REQUESTS)) {
    for (const policy of ['dropOldest', 'conflate', 'disconnect']) {
      it(`${policy} on ${transport}: fast ones hear all and wait for nobody, memory is flat`, async () => {
        const server = await ServerApart.start(SUBJECT, policy, String(IN_ROUND), ...(isFullSize ? [] : [path]));
        const target = isFullSize ? { port: server.port, host: '127.0.0.1' } : { path };
        const start = await server.ask('start');
        const come = (count: number, octetsATick: number): PacedClient[] =>
          Array.from({ length: count }, () => new PacedClient(target, request, octetsATick));
        const fast = come(EACH, Infinity);
        const stopped = come(EACH / 2, 0);
        const slow = come(EACH / 2, OCTETS_A_TICK);
        const all = [...fast, ...stopped, ...slow];
        const ticks = setInterval(() => slow.forEach((client) => client.tick()), TICK_MS);
        try {
          await until(
            'all are there',
            async () => all.every(({ hasHead }) => hasHead) && (await server.ask('clients')) === 2 * EACH,
            20_000,
          );
          let published = 0;
          while (published < MESSAGES) {
            published = await server.ask('round');
            await until('the fast ones have the round', () => fast.every(({ last }) => last === published), 20_000);
          }
          const peak = await server.ask('peak');
          const dropped = await server.ask('dropped');
          const heard = Math.max(...slow.map(({ count }) => count));
          if (isFullSize) console.log(`      ${toMebibytes(start)} + ${toMebibytes(peak - start)} MiB, dropped ${dropped}, slow ones heard ${heard}`); // prettier-ignore

          for (const { count, gaps, received } of fast) {
            expect([count, gaps], 'numbers, and gaps between them').to.deep.equal([MESSAGES, 0]);
            expect(received, 'octets').to.be.above(MESSAGES * OCTETS);
          }
          expect(heard, 'while slow ones had not heard a tenth').to.be.below(MESSAGES / 10);
          for (const { received } of stopped) expect(received, 'and others nothing').to.be.at.most(1_024);
          expect(peak - start, 'resident octets').to.be.below(BOUND);
          if (policy === 'disconnect') {
            expect(await server.ask('clients'), 'only the fast ones are left').to.equal(EACH);
          } else {
            expect(await server.ask('clients')).to.equal(2 * EACH);
            expect(dropped, 'messages dropped').to.be.within(1, EACH * MESSAGES);
          }
        } finally {
          clearInterval(ticks);
          for (const client of all) client.abort();
          await server.stop();
          rmSync(path, { force: true });
        }
      }).timeout(isFullSize ? 600_000 : 60_000);
    }
  }
});

const toMebibytes = (octets: number): string => (octets / MEBIBYTE).toFixed(1);
