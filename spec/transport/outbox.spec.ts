import { expect } from 'chai';
import fc from 'fast-check';
import { Outbox, PART_LIMIT } from '#src/transport/outbox.js';
import { MemoryStream, type MemoryStreamOptions } from '#src/testing/memory-stream.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';

const streamWith = (options: MemoryStreamOptions = {}): { stream: MemoryStream; clock: VirtualClock } => {
  const clock = new VirtualClock();
  return { clock, stream: new MemoryStream(clock, options) };
};

/** Flushes until nothing is left, with the stream drained in between; gives the octets of each flush. */
const flushAll = (outbox: Outbox, { stream, clock }: { stream: MemoryStream; clock: VirtualClock }, limit: number): number[] => {
  const given: number[] = [];
  while (outbox.size > 0) {
    const before = outbox.size;
    const octets = outbox.flush(stream, limit);
    expect(before - outbox.size).to.equal(octets);
    if (octets > 0) given.push(octets);
    clock.settle();
  }
  return given;
};

describe('Outbox', () => {
  it('writes text as one string', () => {
    const outbox = new Outbox();
    const ground = streamWith();
    outbox.addText('a\xe9');
    outbox.addText('b');
    expect(outbox.size).to.equal(3);
    expect(outbox.flush(ground.stream, Infinity)).to.equal(3);
    expect(ground.stream.writes).to.deep.equal(['a\xe9b']);
    expect(outbox.size).to.equal(0);
  });

  it('joins long text with short text, but not with other long text', () => {
    const outbox = new Outbox();
    const { stream } = streamWith();
    const handed: (string | Uint8Array)[] = [];
    const write = stream.write.bind(stream);
    stream.write = (data: string | Uint8Array) => {
      handed.push(data);
      return write(data);
    };
    const long = 'x'.repeat(2_000);
    for (const text of ['a', 'b', long, long, 'c', 'd', long]) outbox.addText(text);
    expect(outbox.size).to.equal(6_004);
    outbox.flush(stream, Infinity);
    expect(handed).to.deep.equal([`ab${long}`, `${long}cd`, long]);
    expect(outbox.size).to.equal(0);
  });

  it('keeps text and bytes in order, in one write', () => {
    const outbox = new Outbox();
    const ground = streamWith();
    outbox.addText('a');
    outbox.addBytes(Buffer.from('b'));
    outbox.addText('c');
    outbox.addText('d');
    outbox.addBytes(new Uint8Array([0xff, 0]));
    outbox.addText('e\xff');
    outbox.flush(ground.stream, Infinity);
    expect(ground.stream.writes).to.deep.equal(['abcd\xff\0e\xff']);
  });

  it('hands large bytes over as they are, and joins small ones', () => {
    const outbox = new Outbox();
    const { stream } = streamWith();
    const handed: (string | Uint8Array)[] = [];
    const write = stream.write.bind(stream);
    stream.write = (data: string | Uint8Array) => {
      handed.push(data);
      return write(data);
    };
    const large = Buffer.alloc(20_000, 'x');
    for (let index = 0; index < 50; index++) outbox.addBytes(Buffer.from('y'));
    outbox.addBytes(large);
    outbox.addBytes(Buffer.from('z'));
    outbox.flush(stream, Infinity);
    expect(handed.map(({ length }) => length)).to.deep.equal([50, 20_000, 1]);
    expect(handed[1]).to.equal(large);
    expect(stream.writes, 'and all in one').to.have.lengthOf(1);
  });

  it('joins a long part with its head, and no two long ones: what many are sent is not copied for each', () => {
    const outbox = new Outbox();
    const { stream } = streamWith();
    const handed: (string | Uint8Array)[] = [];
    const write = stream.write.bind(stream);
    stream.write = (data: string | Uint8Array) => {
      handed.push(data);
      return write(data);
    };
    const [head, long] = [Buffer.from('h'), Buffer.alloc(2_000, 'x')];
    for (const bytes of [long, long, head, long, head, long]) outbox.addBytes(bytes);
    expect(outbox.flush(stream, Infinity)).to.equal(8_002);
    expect(handed.map(({ length }) => length)).to.deep.equal([2_000, 2_001, 2_001, 2_000]);
    expect(handed[0]).to.equal(long);
    expect(handed[3]).to.equal(long);
    outbox.addBytes(long);
    expect(outbox.flush(stream, 1)).to.equal(2_000);
    expect([handed[4], outbox.size]).to.deep.equal([long, 0]);
  });

  it('gives nothing to a stream that needs to drain', () => {
    const outbox = new Outbox();
    const ground = streamWith({ credit: 0, highWaterMark: 1 });
    outbox.addText('a');
    outbox.flush(ground.stream, Infinity);
    outbox.addText('b');
    expect(outbox.flush(ground.stream, Infinity)).to.equal(0);
    expect(outbox.size).to.equal(1);
    ground.stream.client.take();
    expect(outbox.flush(ground.stream, Infinity)).to.equal(1);
    expect(ground.stream.client.text).to.equal('ab');
  });

  it('gives no more than the part that passes the limit', () => {
    const outbox = new Outbox();
    const ground = streamWith({ highWaterMark: Infinity });
    for (let index = 0; index < 10; index++) outbox.addBytes(Buffer.alloc(10_000, String(index)));
    expect(flushAll(outbox, ground, 25_000)).to.deep.equal([30_000, 30_000, 30_000, 10_000]);
    expect(ground.stream.client.text).to.have.lengthOf(100_000);
  });

  it('divides what is too large to be given at once', () => {
    const outbox = new Outbox();
    const ground = streamWith({ highWaterMark: Infinity });
    outbox.addBytes(Buffer.alloc(2 * PART_LIMIT + 1, 'x'));
    outbox.addText('end');
    expect(flushAll(outbox, ground, 1)).to.deep.equal([PART_LIMIT, PART_LIMIT, 4]);
    expect(ground.stream.client.text).to.match(/^x+end$/);
  });

  it('forgets when cleared', () => {
    const outbox = new Outbox();
    const ground = streamWith();
    outbox.addText('a');
    outbox.addBytes(Buffer.from('b'));
    outbox.clear();
    expect(outbox.size).to.equal(0);
    outbox.addText('c');
    outbox.flush(ground.stream, Infinity);
    expect(ground.stream.client.text).to.equal('c');
  });

  it('sends what was put in, whatever that is and whoever reads it', () => {
    const piece = fc.oneof(
      fc.constantFrom('', 'a', 'text\xff'),
      fc.integer({ min: 0, max: 30 }).map((length) => Buffer.alloc(length, length)),
      fc.constantFrom(8_191, 8_192, 8_193, 40_000).map((length) => Buffer.alloc(length, length % 251)),
    );
    const step = fc.record({
      pieces: fc.array(piece, { maxLength: 6 }),
      limit: fc.constantFrom(1, 100, 10_000, Infinity),
      flushes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), fc.constantFrom(1, 16_384, 65_536), (steps, highWaterMark) => {
        const outbox = new Outbox();
        const ground = streamWith({ highWaterMark });
        let expected = '';
        for (const { pieces, limit, flushes } of steps) {
          for (const data of pieces) {
            expected += typeof data === 'string' ? data : data.toString('latin1');
            if (typeof data === 'string') outbox.addText(data);
            else outbox.addBytes(data);
          }
          if (flushes && outbox.size > 0) outbox.flush(ground.stream, limit);
          ground.clock.settle();
        }
        flushAll(outbox, ground, Infinity);
        expect(ground.stream.client.text === expected, 'all octets, in order').to.equal(true);
      }),
    );
  });
});
