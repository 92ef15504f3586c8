import { expect } from 'chai';
import fc from 'fast-check';
import { Ring } from '#src/rx/queues/ring.js';

describe('Ring', () => {
  it('is an array, whatever is done at its ends', () => {
    const steps = fc.array(fc.constantFrom('push', 'push', 'shift', 'unshift'), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (names) => {
        const ring = new Ring<number>();
        const array: number[] = [];
        for (const [index, name] of names.entries()) {
          if (name === 'shift') expect(ring.shift()).to.equal(array.shift());
          else {
            ring[name](index);
            array[name](index);
          }
          expect(ring.length).to.equal(array.length);
        }
        for (const item of array) expect(ring.shift()).to.equal(item);
        expect(ring.shift()).to.equal(undefined);
      }),
    );
  });
});
