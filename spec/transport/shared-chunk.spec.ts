import { expect } from 'chai';
import fc from 'fast-check';
import { sharedChunk } from '#src/transport/shared-chunk.js';

/** The octets of a chunk, by RFC 9112 §7.1 alone. */
const chunkOf = (piece: string): Buffer => {
  const octets = Buffer.from(piece);
  return Buffer.concat([Buffer.from(`${octets.length.toString(16)}\r\n`), octets, Buffer.from('\r\n')]);
};

describe('sharedChunk', () => {
  it('knows a piece when it is asked for again, and only then', () => {
    expect(sharedChunk('first')).to.equal(null);
    expect(sharedChunk('first')).to.equal('5\r\nfirst\r\n');
    expect(sharedChunk('other')).to.equal(null);
    expect(sharedChunk('first')).to.equal(null);
    expect(sharedChunk(['fir', 'st'].join(''))).to.equal('5\r\nfirst\r\n');
  });

  it('is the chunk that the piece would be by itself, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (piece) => {
        sharedChunk(piece);
        expect(Buffer.from(sharedChunk(piece) as string, 'latin1')).to.deep.equal(chunkOf(piece)); // asked for twice
      }),
    );
  });

  it('is bytes of its own where it is long, the same for all', () => {
    for (const piece of ['x'.repeat(1_024), 'é'.repeat(512), '€'.repeat(5_000)]) {
      sharedChunk(piece);
      const chunk = sharedChunk(piece) as Buffer;
      expect(chunk).to.deep.equal(chunkOf(piece));
      expect(chunk.buffer.byteLength).to.equal(chunk.length);
      expect(sharedChunk(piece)).to.equal(chunk);
    }
    const short = 'x'.repeat(1_023);
    sharedChunk(short);
    expect(sharedChunk(short)).to.equal(`3ff\r\n${short}\r\n`);
  });

  it('keeps nothing large', () => {
    const large = 'x'.repeat(16_385);
    sharedChunk('small');
    expect([sharedChunk(large), sharedChunk(large)]).to.deep.equal([null, null]);
    expect(sharedChunk('small')).to.equal('5\r\nsmall\r\n');
  });
});
