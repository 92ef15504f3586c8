/** Clients that push more than the memory of a server that works in order, and is a process of its own. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { binary, handshake } from '../support/frame-client.js';
import { isFullSize } from '../support/full-size.js';
import { until, untilAtRest } from '../support/raw-client.js';
import { ServerApart } from '../support/server-apart.js';

const MEBIBYTE = 1_048_576;
const TOTAL = (isFullSize ? 1_024 : 96) * MEBIBYTE;
const PIECE = Buffer.alloc(65_536, 'x');
const BOUND = 64 * MEBIBYTE;

interface Pushing {
  readonly head: string;
  /** What `PIECE` is on the wire. */
  readonly piece: Buffer;
}

const KINDS: Readonly<Record<'websocket' | 'body', Pushing>> = {
  websocket: { head: handshake(), piece: binary(PIECE) },
  body: { head: `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${TOTAL}\r\n\r\n`, piece: PIECE },
};

describe('a client that pushes while inOrder is at work', () => {
  for (const kind of ['websocket', 'body'] as const) {
    it(`is pushed back, and memory is flat: ${kind}`, async () => {
      const server = await ServerApart.start(new URL('./subjects/careful-server.js', import.meta.url), kind);
      const start = await server.ask('start');
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {}); // what is missing is told below
      socket.resume();
      try {
        const taken = (): number => socket.bytesWritten - socket.writableLength;
        const pushed = push(socket, KINDS[kind]);
        await untilAtRest('octets that leave', taken);
        const held = taken();
        expect(await server.ask('done'), 'while the gate is closed').to.equal(0);
        expect(held, 'what kernels take by themselves').to.be.below(TOTAL / 4);
        expect(socket.writableNeedDrain, 'the client waits').to.equal(true);
        expect((await server.ask('peak')) - start, 'resident octets').to.be.below(BOUND);

        await server.ask('open');
        await pushed;
        await until('all is done', async () => (await server.ask('done')) === TOTAL, 60_000);
        const peak = await server.ask('peak');
        if (isFullSize) console.log(`      held ${(held / MEBIBYTE).toFixed(1)}, ${(start / MEBIBYTE).toFixed(1)} + ${((peak - start) / MEBIBYTE).toFixed(1)} MiB`); // prettier-ignore
        expect(peak - start, 'resident octets').to.be.below(BOUND);
        expect(await server.ask('mostAtOnce')).to.equal(1);
      } finally {
        socket.destroy();
        await server.stop();
      }
    }).timeout(isFullSize ? 300_000 : 60_000);
  }
});

/** Pushes all, as fast as it leaves. */
const push = async (socket: Socket, { head, piece }: Pushing): Promise<void> => {
  socket.write(head);
  for (let left = TOTAL; left > 0; left -= PIECE.length) {
    if (!socket.write(piece)) await once(socket, 'drain');
  }
};
