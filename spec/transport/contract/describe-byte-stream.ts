/** What the engine relies on in a `ByteStream`: the same for sockets and for memory. */
import { expect } from 'chai';
import type { ByteStream } from '#src/transport/contracts.js';
import type { Carriage, Ends, EndsOptions } from './ends.js';

/** Octets at which `write` begins to ask to wait. */
const HIGH_WATER = 65_536;
/** More than the operating system takes for a client that reads nothing. */
const FLOOD = 32 * 1_048_576;

/** What not every carriage has. */
export interface Nature {
  /** TCP knows RST, a Unix socket does not. */
  readonly hasReset: boolean;
  readonly hasAddresses: boolean;
}

/** @param createCarriage - Made once for all facts, closed behind them. */
export const describeByteStream = (name: string, { hasReset, hasAddresses }: Nature, createCarriage: () => Promise<Carriage>): void => {
  describe(`a ByteStream of ${name}`, () => {
    let carriage: Carriage;
    before(async () => {
      carriage = await createCarriage();
    });
    after(() => carriage.close());

    const connect = (options?: EndsOptions): Promise<Ends> => carriage.connect(options);
    const settle = (): Promise<void> => carriage.settle();
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await settle(); // the runner's timeout ends a vain wait
    };

    describe('that reads', () => {
      it('delivers octets in order', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        peer.send('one ');
        peer.send('two ');
        peer.send('\x00\xff');
        peer.end();
        await until(() => log.includes('end'));
        expect(joined(log)).to.deep.equal(['data one two \x00\xff', 'end']);
      });

      it('keeps what comes before somebody listens', async () => {
        const { stream, peer } = await connect();
        peer.send('early');
        await settle();
        const { log } = watched(stream);
        expect(log, 'nothing within the call').to.deep.equal([]);
        await until(() => log.length > 0);
        expect(joined(log)).to.deep.equal(['data early']);
      });

      it('keeps data back while it is paused, and the end behind it', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        peer.send('held');
        peer.end();
        await settle();
        expect(log).to.deep.equal([]);
        stream.resume();
        expect(log, 'nothing within the call').to.deep.equal([]);
        await until(() => log.includes('end'));
        expect(joined(log)).to.deep.equal(['data held', 'end']);
      });

      it('can be paused before it is listened to', async () => {
        const { stream, peer } = await connect();
        stream.pause();
        const { log } = watched(stream);
        peer.send('held');
        await settle();
        expect(log).to.deep.equal([]);
        stream.resume();
        await until(() => log.length > 0);
        expect(joined(log)).to.deep.equal(['data held']);
      });

      it('delivers nothing more when a listener pauses it', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        for (const text of ['a', 'b', 'c']) {
          peer.send(text);
          await settle();
        }
        stream.on('data', () => stream.pause());
        stream.resume();
        await until(() => log.length > 0);
        await settle();
        const first = log.length;
        expect(first).to.equal(1);
        stream.resume();
        await until(() => log.length > first);
        expect(joined(log).join('')).to.match(/^data ab/);
      });

      it('tells of an end that nothing stands before, paused or not', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        peer.end();
        await until(() => log.length > 0);
        expect(log).to.deep.equal(['end']);
        expect(stream.destroyed).to.equal(false);
      });

      it('tells of the end once, and stays open for our side', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        peer.end();
        await until(() => log.length > 0);
        stream.write('still here', 'latin1');
        await until(() => peer.received !== '');
        expect(peer.received).to.equal('still here');
        expect([log, stream.destroyed, peer.fate]).to.deep.equal([['end'], false, 'open']);
      });

      it('goes on when a listener of data has thrown', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        let isFirst = true;
        stream.on('data', () => {
          if (!isFirst) return;
          isFirst = false;
          throw new Error('of the listener');
        });
        const escaped = await carriage.escapes(async () => {
          peer.send('a');
          await settle();
          peer.send('b');
          await until(() => log.length === 2);
        });
        expect(escaped.map(String)).to.deep.equal(['Error: of the listener']);
        expect(log).to.deep.equal(['data a', 'data b']);
      });
    });

    describe('that writes', () => {
      it('sends octets in order, text as latin1', async () => {
        const { stream, peer } = await connect();
        stream.write('caf\xe9 ', 'latin1');
        stream.write(Buffer.from([0, 255]));
        stream.write('!', 'latin1');
        await until(() => peer.received.length === 8);
        expect(peer.received).to.equal('caf\xe9 \x00\xff!');
      });

      it('takes nothing for a write', async () => {
        const { stream, peer } = await connect();
        expect(stream.write('', 'latin1')).to.equal(true);
        stream.write('x', 'latin1');
        await until(() => peer.received !== '');
        expect([peer.received, stream.writableLength]).to.deep.equal(['x', 0]);
      });

      it('does not ask to wait when all has left within the call', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        expect(stream.write(Buffer.alloc(HIGH_WATER))).to.equal(true);
        expect([stream.writableLength, stream.writableNeedDrain]).to.deep.equal([0, false]);
        await until(() => peer.received.length === HIGH_WATER);
        expect(log).to.deep.equal([]);
      });

      it('gathers what is corked, and counts it', async () => {
        const { stream, peer } = await connect();
        stream.cork();
        stream.write('a', 'latin1');
        stream.cork();
        stream.write('b', 'latin1');
        stream.uncork();
        expect(stream.writableLength).to.equal(2);
        await settle();
        expect(peer.received).to.equal('');
        stream.uncork();
        expect(stream.writableLength).to.equal(0);
        stream.uncork(); // one too many changes nothing
        stream.cork();
        stream.write('c', 'latin1');
        await settle();
        expect(peer.received).to.equal('ab');
        stream.uncork();
        await until(() => peer.received.length === 3);
        expect(peer.received).to.equal('abc');
      });

      it('asks to wait from 64 KiB on, and drains in a later turn when all that was corked has left at once', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.cork();
        expect(stream.write(Buffer.alloc(HIGH_WATER - 1))).to.equal(true);
        expect(stream.writableNeedDrain).to.equal(false);
        expect(stream.write(Buffer.alloc(1))).to.equal(false);
        expect(stream.writableNeedDrain).to.equal(true);
        stream.uncork();
        expect([stream.writableLength, stream.writableNeedDrain, log]).to.deep.equal([0, true, []]);
        await until(() => log.length > 0);
        expect([log, stream.writableNeedDrain]).to.deep.equal([['drain'], false]);
        await until(() => peer.received.length === HIGH_WATER);
      });

      it('holds what the peer does not take, and drains once, when nothing is left', async () => {
        const { stream, peer } = await connect({ isHolding: true });
        const { log } = watched(stream);
        const lengths: number[] = [];
        const look = (): void => void lengths.push(stream.writableLength);
        stream.on('drain', look);
        stream.write(Buffer.alloc(FLOOD, 'a'));
        await settle();
        expect([stream.writableLength > 0, stream.writableNeedDrain, log]).to.deep.equal([true, true, []]);
        const before = stream.writableLength;
        expect(stream.write('tail', 'latin1'), 'what comes on top is taken').to.equal(false);
        expect(stream.writableLength).to.equal(before + 4);
        await settle();
        let least = stream.writableLength;
        peer.take();
        await until(() => {
          expect(stream.writableLength, 'nothing grows by itself').to.be.at.most(least);
          least = stream.writableLength;
          return log.length > 0;
        });
        await until(() => peer.received.length === FLOOD + 4);
        expect(peer.received.endsWith('aatail')).to.equal(true);
        await settle();
        expect([log, lengths, stream.writableNeedDrain]).to.deep.equal([['drain'], [0], false]);
      }).timeout(20_000);

      it('says nothing of a drain that nobody was asked to wait for', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.write('x', 'latin1');
        await until(() => peer.received !== '');
        await settle();
        expect(log).to.deep.equal([]);
      });
    });

    describe('that ends', () => {
      it('sends FIN behind what was written, and reads on', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.write('last words', 'latin1');
        stream.end();
        stream.end(); // a second one changes nothing
        await until(() => peer.fate !== 'open');
        expect([peer.received, peer.fate, log, stream.destroyed]).to.deep.equal(['last words', 'ended', [], false]);
        peer.send('answer');
        await until(() => log.length > 0);
        expect(joined(log)).to.deep.equal(['data answer']);
      });

      it('sends FIN behind what the peer has not taken yet, and drains no more', async () => {
        const { stream, peer } = await connect({ isHolding: true });
        const { log } = watched(stream);
        stream.write(Buffer.alloc(FLOOD));
        stream.end();
        expect(stream.writableNeedDrain).to.equal(false);
        await settle();
        expect(peer.fate).to.equal('open');
        peer.take();
        await until(() => peer.fate !== 'open');
        expect([peer.received.length, peer.fate, log]).to.deep.equal([FLOOD, 'ended', []]);
      }).timeout(20_000);

      it('sends what is corked before FIN', async () => {
        const { stream, peer } = await connect();
        stream.cork();
        stream.write('corked', 'latin1');
        stream.end();
        await until(() => peer.fate !== 'open');
        expect(peer.received).to.equal('corked');
      });

      it('closes when both sides have ended, whoever was first', async () => {
        for (const first of ['stream', 'peer'] as const) {
          const ends = await connect();
          const { log } = watched(ends.stream);
          ends[first].end();
          await settle();
          expect(ends.stream.destroyed, `${first} first`).to.equal(false);
          ends[first === 'stream' ? 'peer' : 'stream'].end();
          await until(() => log.includes('close'));
          expect([log, ends.stream.destroyed], `${first} first`).to.deep.equal([['end', 'close'], true]);
        }
      });

      it('does not close while data stands before the end of the peer', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        peer.send('unread');
        peer.end();
        await settle();
        stream.end();
        await until(() => peer.fate !== 'open');
        await settle();
        expect([log, stream.destroyed]).to.deep.equal([[], false]);
        stream.resume();
        await until(() => log.includes('close'));
        expect(joined(log)).to.deep.equal(['data unread', 'end', 'close']);
      });

      it('fails and closes when it is written to behind the end', async () => {
        const { stream } = await connect();
        const { log, errors } = watched(stream);
        stream.end();
        expect(stream.write('more', 'latin1')).to.equal(false);
        await until(() => log.includes('close'));
        expect([log, errors]).to.deep.equal([['error', 'close'], ['ERR_STREAM_WRITE_AFTER_END']]);
      });
    });

    describe('that closes', () => {
      it('destroys soon: when all that was written has left', async () => {
        const { stream, peer } = await connect({ isHolding: true });
        const { log } = watched(stream);
        stream.write(Buffer.alloc(FLOOD));
        stream.destroySoon();
        await settle();
        expect([log, stream.destroyed]).to.deep.equal([[], false]);
        peer.take();
        await until(() => log.length > 0);
        expect(log).to.deep.equal(['close']);
        await until(() => peer.fate !== 'open');
        expect([peer.received.length, peer.fate]).to.deep.equal([FLOOD, 'ended']);
      }).timeout(20_000);

      it('destroys soon what has ended already', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.end();
        await until(() => peer.fate !== 'open');
        await settle();
        stream.destroySoon();
        await until(() => log.length > 0);
        expect(log).to.deep.equal(['close']);
      });

      it('closes once and in a later turn when it is destroyed, with what was accepted on its way', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.write('accepted', 'latin1');
        stream.destroy();
        stream.destroy();
        expect([log, stream.destroyed]).to.deep.equal([[], true]);
        await until(() => log.length > 0 && peer.fate !== 'open');
        await settle();
        expect([log, peer.received, peer.fate]).to.deep.equal([['close'], 'accepted', 'ended']);
      });

      it('delivers nothing when it has been destroyed', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        peer.send('too late');
        await settle();
        stream.destroy();
        peer.send('later still');
        peer.end();
        await until(() => log.length > 0);
        await settle();
        expect(log).to.deep.equal(['close']);
      });

      it('takes whatever is done to it afterwards without a word', async () => {
        const { stream } = await connect();
        const { log } = watched(stream);
        stream.destroy();
        expect(stream.write('x', 'latin1')).to.equal(false);
        expect(stream.write(Buffer.alloc(HIGH_WATER))).to.equal(false);
        expect(stream.writableNeedDrain).to.equal(false);
        stream.cork();
        stream.write('x', 'latin1');
        stream.uncork();
        stream.pause();
        stream.resume();
        stream.end();
        stream.destroySoon();
        stream.destroy();
        await until(() => log.length > 0);
        stream.write('x', 'latin1');
        stream.end();
        await settle();
        expect(log).to.deep.equal(['close']);
      });

      it('drops what waits when it is destroyed', async () => {
        const { stream, peer } = await connect({ isHolding: true });
        const { log } = watched(stream);
        stream.write(Buffer.alloc(FLOOD));
        await settle();
        stream.destroy();
        expect(stream.writableNeedDrain).to.equal(false);
        await until(() => log.length > 0);
        peer.take();
        await until(() => peer.fate !== 'open');
        expect(log).to.deep.equal(['close']);
        expect(peer.received.length).to.be.below(FLOOD);
      }).timeout(20_000);

      it('knows its addresses while it is open, and afterwards that of the peer, if it was asked before', async () => {
        const { stream } = await connect();
        const asked = await connect();
        const known = addressesOf(asked.stream);
        if (!hasAddresses) expect(known).to.deep.equal([undefined, undefined, undefined, undefined]);
        else expect(known.map((part) => typeof part)).to.deep.equal(['string', 'number', 'string', 'number']);
        stream.destroy();
        asked.stream.destroy();
        expect(addressesOf(asked.stream)).to.deep.equal([known[0], known[1], undefined, undefined]);
        expect(addressesOf(stream)).to.deep.equal([undefined, undefined, undefined, undefined]);
        await settle();
      });
    });

    describe('that is reset', () => {
      if (!hasReset) {
        it('refuses to be, and can be destroyed then', async () => {
          const { stream } = await connect();
          const { log } = watched(stream);
          expect(() => stream.resetAndDestroy()).to.throw();
          expect(stream.destroyed).to.equal(false);
          stream.destroy();
          await until(() => log.length > 0);
          expect(log).to.deep.equal(['close']);
        });
        return;
      }

      it('closes so that the peer can tell', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.write('cut', 'latin1');
        await until(() => peer.received === 'cut');
        stream.resetAndDestroy();
        expect([log, stream.destroyed]).to.deep.equal([[], true]);
        await until(() => log.length > 0 && peer.fate !== 'open');
        expect([log, peer.fate]).to.deep.equal([['close'], 'reset']);
        stream.destroy();
        await settle();
        expect(log).to.deep.equal(['close']);
      });

      it('fails, then closes, when the peer resets it, paused or not', async () => {
        for (const isPaused of [false, true]) {
          const { stream, peer } = await connect();
          const { log, errors } = watched(stream);
          if (isPaused) stream.pause();
          peer.reset();
          await until(() => log.includes('close'));
          expect([log, errors, stream.destroyed]).to.deep.equal([['error', 'close'], ['ECONNRESET'], true]);
          expect(stream.write('x', 'latin1')).to.equal(false);
          await settle();
          expect(log).to.deep.equal(['error', 'close']);
        }
      });

      it('does not see the reset behind 64 KiB that are not read, until it writes', async () => {
        const { stream, peer } = await connect();
        const { log } = watched(stream);
        stream.pause();
        peer.send('a'.repeat(4 * HIGH_WATER));
        await settle();
        peer.reset();
        await settle();
        expect([log, stream.destroyed]).to.deep.equal([[], false]);
        stream.write('x', 'latin1');
        await until(() => log.includes('close'));
        expect(log).to.deep.equal(['error', 'close']);
      });
    });
  });
};

/** All that a stream tells, in order. */
const watched = (stream: ByteStream): { readonly log: string[]; readonly errors: (string | undefined)[] } => {
  const log: string[] = [];
  const errors: (string | undefined)[] = [];
  stream.on('data', (bytes) => log.push(`data ${bytes.toString('latin1')}`));
  stream.on('end', () => log.push('end'));
  stream.on('drain', () => log.push('drain'));
  stream.on('close', () => log.push('close'));
  stream.on('error', (error: Error & { code?: string }) => {
    log.push('error');
    errors.push(error.code);
  });
  return { log, errors };
};

/** Where data is cut is nobody's promise. */
const joined = (log: readonly string[]): string[] => {
  const lines: string[] = [];
  for (const line of log) {
    const last = lines.at(-1);
    if (line.startsWith('data ') && last?.startsWith('data ') === true) lines[lines.length - 1] = last + line.slice(5);
    else lines.push(line);
  }
  return lines;
};

const addressesOf = (stream: ByteStream): readonly unknown[] => [
  stream.remoteAddress,
  stream.remotePort,
  stream.localAddress,
  stream.localPort,
];
