import { expect } from 'chai';
import fc from 'fast-check';
import { formatCursor, parseCursor } from '#src/rx/replay/cursor.js';

describe('parseCursor', () => {
  it('reads what formatCursor writes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{1,40}$/), fc.maxSafeNat(), (epoch, offset) => {
        expect(parseCursor(formatCursor(epoch, offset))).to.deep.equal({ epoch, offset });
      }),
    );
  });

  it('reads nothing else', () => {
    const strange = [
      '',
      ':',
      'a',
      'a:',
      ':1',
      'a:b',
      'a:-1',
      'a:1.5',
      'a:01',
      'a: 1',
      'a:1 ',
      'a:1:2',
      'a\0:1',
      'a:1e3',
      'a:9007199254740993',
      `${'a'.repeat(130)}:1`,
    ];
    for (const text of strange) expect(parseCursor(text), text).to.equal(null);
  });
});
