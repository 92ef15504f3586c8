import { expect } from 'chai';
import fc from 'fast-check';
import { Place, PlaceQueue } from '#src/rx/admission/place-queue.js';

class Numbered extends Place {
  readonly number: number;

  constructor(number: number) {
    super();
    this.number = number;
  }
}

/** The numbers in the queue, first to last, taking all of them. */
const drained = (queue: PlaceQueue<Numbered>): number[] => {
  const numbers: number[] = [];
  for (let place = queue.shift(); place !== null; place = queue.shift()) numbers.push(place.number);
  return numbers;
};

describe('PlaceQueue', () => {
  it('is a list from which any item may leave', () => {
    const step = fc.record({ what: fc.constantFrom('push', 'shift', 'remove'), at: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new PlaceQueue<Numbered>();
        const all: Numbered[] = [];
        let model: number[] = [];
        for (const { what, at } of steps) {
          if (what === 'push') {
            const place = new Numbered(all.length);
            all.push(place);
            queue.push(place);
            model.push(place.number);
          } else if (what === 'shift') {
            expect(queue.shift()?.number).to.equal(model.shift());
          } else if (at < all.length) {
            queue.remove(all[at]); // it may have left before
            model = model.filter((number) => number !== at);
          }
          expect(queue.size).to.equal(model.length);
          expect(queue.first?.number).to.equal(model[0]);
        }
        expect(drained(queue)).to.deep.equal(model);
        expect(all.every(({ before, behind, queue: of }) => before === null && behind === null && of === null)).to.equal(true);
      }),
    );
  });

  it('leaves a place of another queue where it is', () => {
    const [one, other] = [new PlaceQueue<Numbered>(), new PlaceQueue<Numbered>()];
    const place = new Numbered(1);
    one.push(place);
    other.remove(place);
    expect([one.size, other.size]).to.deep.equal([1, 0]);
    expect(drained(one)).to.deep.equal([1]);
  });
});
