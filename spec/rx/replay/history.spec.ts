import { expect } from 'chai';
import fc from 'fast-check';
import { History } from '#src/rx/replay/history.js';
import type { Published } from '#src/rx/replay/replayable.js';

const item = (offset: number, at: number = 0): Published<string> => ({ id: `e:${offset}`, offset, value: `v${offset}`, at });

const filled = (limit: number, count: number): History<string> => {
  const history = new History<string>(limit, Infinity);
  for (let offset = 1; offset <= count; offset++) history.add(item(offset));
  return history;
};

const offsetsAfter = (history: History<string>, offset: number): number[] => history.after(offset).map((kept) => kept.offset);

describe('History', () => {
  it('is empty at first, and covers its beginning', () => {
    const history = filled(4, 0);
    expect([history.first, history.last, history.covers(0), history.covers(1)]).to.deep.equal([1, 0, true, false]);
    expect(history.after(0)).to.deep.equal([]);
  });

  it('keeps the latest, up to its limit', () => {
    const history = filled(4, 6);
    expect(offsetsAfter(history, 0)).to.deep.equal([3, 4, 5, 6]);
    expect(offsetsAfter(history, 4)).to.deep.equal([5, 6]);
    expect([1, 2, 3, 6, 7].map((offset) => history.covers(offset))).to.deep.equal([false, true, true, true, false]);
  });

  it('keeps nothing with a limit of 0, and covers only its end', () => {
    const history = filled(0, 3);
    expect(offsetsAfter(history, 0)).to.deep.equal([]);
    expect([2, 3, 4].map((offset) => history.covers(offset))).to.deep.equal([false, true, false]);
  });

  it('forgets what is older than its time, to the millisecond', () => {
    const history = new History<string>(8, 100);
    history.add(item(1, 0));
    history.add(item(2, 50));
    history.expire(99);
    expect(history.first).to.equal(1);
    history.expire(100);
    expect([history.first, history.covers(0), history.covers(1)]).to.deep.equal([2, false, true]);
    history.add(item(3, 200));
    expect(offsetsAfter(history, 0)).to.deep.equal([3]);
    history.expire(1_000);
    expect([history.first, history.last, history.covers(3), history.covers(2)]).to.deep.equal([4, 3, true, false]);
  });

  it('lets go of what it forgets', () => {
    const history = new History<string>(8, 100);
    for (let offset = 1; offset <= 5; offset++) history.add(item(offset, 0));
    history.expire(100);
    const { slots } = history as unknown as { slots: readonly unknown[] }; // what is held is the promise
    expect(slots.filter((slot) => slot !== undefined)).to.deep.equal([]);
  });

  it('has places for what it keeps at a time, however much there was', () => {
    const history = new History<string>(Number.MAX_SAFE_INTEGER, 10);
    for (let offset = 1; offset <= 10_000; offset++) history.add(item(offset, offset));
    const { slots } = history as unknown as { slots: readonly unknown[] }; // what is held is the promise
    expect(slots).to.have.lengthOf(16);
    expect(offsetsAfter(history, 0)).to.have.lengthOf(10);
  });

  it('is the end of a list that is cut at the front, whatever happens', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 30 }), adds: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.array(step, { maxLength: 40 }), (limit, steps) => {
        const history = new History<string>(limit, 50);
        const model: Published<string>[] = [];
        let now = 0;
        let forgotten = 0;
        for (const { wait, adds } of steps) {
          now += wait;
          if (adds) {
            model.push(item(model.length + 1, now));
            history.add(model[model.length - 1]);
          } else history.expire(now);
          while (forgotten < model.length && (model.length - forgotten > limit || now - model[forgotten].at >= 50)) forgotten++;
          expect(history.after(0)).to.deep.equal(model.slice(forgotten));
          for (let offset = 0; offset <= model.length + 1; offset++) {
            expect(history.covers(offset)).to.equal(offset >= forgotten && offset <= model.length);
          }
        }
      }),
    );
  });
});
