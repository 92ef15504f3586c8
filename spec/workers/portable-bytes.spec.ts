import { expect } from 'chai';
import { bytesFrom, pieceFrom, portableBytes } from '#src/workers/portable-bytes.js';

const filled = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i * 31);

/** There and back, through what threads send each other. */
const crossed = (bytes: Uint8Array, isOurs: boolean): { readonly bytes: Buffer; readonly transferred: number } => {
  const transferred: ArrayBuffer[] = [];
  const portable = portableBytes(bytes, isOurs, transferred);
  return { bytes: bytesFrom(structuredClone(portable, { transfer: transferred })), transferred: transferred.length };
};

describe('portableBytes', () => {
  it('lets bytes of any length and any value cross, and leaves the application its own', () => {
    for (const length of [0, 1, 256, 512, 513, 16_383, 16_384, 300_000]) {
      const bytes = filled(length);
      const before = Buffer.from(bytes).toString('hex');
      const after = crossed(bytes, false);
      expect(after.bytes.toString('hex'), String(length)).to.equal(before);
      expect(Buffer.from(bytes).toString('hex'), `own ${length}`).to.equal(before);
      expect(after.transferred, `given away of ${length}`).to.equal(length >= 16_384 ? 1 : 0);
    }
  });

  it('gives away what nobody else looks at, and nothing of a larger memory', () => {
    const whole = filled(100_000);
    expect(crossed(whole, true).bytes.length).to.equal(100_000);
    expect(whole.length, 'given away').to.equal(0);
    const larger = filled(100_000);
    expect(crossed(larger.subarray(10), true).bytes.equals(filled(100_000).subarray(10))).to.equal(true);
    expect(larger.length).to.equal(100_000);
  });

  it('takes memory that threads share', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(20_000)).fill(7);
    expect(crossed(shared, true).bytes.every((byte) => byte === 7)).to.equal(true);
  });

  it('leaves text as it is', () => {
    expect(pieceFrom('é€\u{1f600}\ud800')).to.equal('é€\u{1f600}\ud800');
  });
});
