import { expect } from 'chai';
import { encodeOnce } from '#src/protocol/encoded-message.js';
import { closePayload, frameOf, framesOf, Opcode, sharedFrameOf } from '#src/transport/frames.js';

type Frame = string | readonly Uint8Array[];
const octetsOf = (frame: Frame): Buffer => (typeof frame === 'string' ? Buffer.from(frame, 'latin1') : Buffer.concat(frame));
/** What stands before the payload. */
const headerOf = (frame: Frame, payload: number): string => {
  const octets = octetsOf(frame);
  return octets.subarray(0, octets.length - payload).toString('hex');
};

describe('frames', () => {
  for (const [length, header] of [
    [0, '8200'],
    [1, '8201'],
    [125, '827d'],
    [126, '827e007e'],
    [127, '827e007f'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
  ] as const) {
    it(`say a length of ${length} in the shortest form, RFC 6455 §5.2, and carry the bytes`, () => {
      const bytes = Buffer.alloc(length, 'x');
      const frame = frameOf(bytes);
      expect(headerOf(frame, length)).to.equal(header);
      expect(
        octetsOf(frame)
          .subarray(-length || Infinity)
          .equals(bytes),
      ).to.equal(true);
      const text = frameOf('x'.repeat(length));
      expect(headerOf(text, length)).to.equal(header.replace(/^82/, '81'));
      expect(octetsOf(sharedFrameOf(encodeOnce('x'.repeat(length)))).equals(octetsOf(text)), 'shared').to.equal(true);
    });
  }

  it('are one string of text where all is US-ASCII and short, else bytes of UTF-8', () => {
    expect(frameOf('hi')).to.equal('\x81\x02hi');
    for (const message of ['é', '😀', 'x'.repeat(16_385)]) {
      const frame = frameOf(message);
      expect(frame).to.be.an('array');
      expect(octetsOf(frame).subarray(-Buffer.byteLength(message)).toString()).to.equal(message);
    }
  });

  it('give the bytes of a message away as they are', () => {
    const bytes = Buffer.from('abc');
    expect(framesOf(Opcode.BINARY, bytes)[1]).to.equal(bytes);
    expect(framesOf(Opcode.PONG, Buffer.alloc(0))).to.have.lengthOf(1);
  });

  it('close with a code and a reason, §5.5.1', () => {
    expect(closePayload(1001, 'é').toString('hex')).to.equal('03e9c3a9');
    expect(closePayload(4999, '').toString('hex')).to.equal('1387');
    expect(
      octetsOf(framesOf(Opcode.CLOSE, closePayload(1000, 'x'.repeat(123))))
        .subarray(0, 4)
        .toString('hex'),
    ).to.equal('887d03e8');
  });
});
