import { expect } from 'chai';
import { Deadlines, type Timed } from '#src/transport/deadlines.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';

describe('Deadlines', () => {
  const timed = (log: number[]): Timed => ({ onTick: (tick) => void log.push(tick) });

  it('tick once a second while somebody is watched', () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock);
    const log: number[] = [];
    const one = timed(log);
    clock.advance(5_000);
    deadlines.watch(one);
    clock.advance(999);
    expect(log).to.deep.equal([]);
    clock.advance(1);
    expect(log).to.deep.equal([1]);
    clock.advance(2_000);
    deadlines.forget(one);
    clock.advance(10_000);
    expect(log).to.deep.equal([1, 2, 3]);
    expect(deadlines.tick, 'no timer runs for nobody').to.equal(3);
    deadlines.watch(one);
    clock.advance(1_000);
    expect(log).to.deep.equal([1, 2, 3, 4]);
  });

  it('hold one timer for all', () => {
    const clock = new VirtualClock();
    let timers = 0;
    const every = clock.every.bind(clock);
    clock.every = (milliseconds, action) => {
      timers++;
      const cancel = every(milliseconds, action);
      return () => {
        timers--;
        cancel();
      };
    };
    const deadlines = new Deadlines(clock);
    const all = Array.from({ length: 100 }, () => timed([]));
    for (const one of all) deadlines.watch(one);
    expect(timers).to.equal(1);
    for (const one of all) deadlines.forget(one);
    for (const one of all) deadlines.forget(one);
    expect(timers).to.equal(0);
    deadlines.watch(all[0]);
    expect(timers).to.equal(1);
  });

  it('may lose whom they watch while they tick', () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines<Timed>(clock);
    const log: string[] = [];
    const others: Timed[] = [];
    const leaver = (name: string): Timed => ({
      onTick: () => {
        log.push(name);
        for (const other of others) deadlines.forget(other);
      },
    });
    others.push(leaver('a'), leaver('b'));
    for (const other of others) deadlines.watch(other);
    clock.advance(3_000);
    expect(log).to.deep.equal(['a']);
  });

  it('give a time at least, and at most one second more', () => {
    for (const milliseconds of [0, 1, 999, 1_000, 1_001, 30_000]) {
      for (const phase of [0, 1, 500, 999]) {
        const clock = new VirtualClock();
        const deadlines = new Deadlines(clock);
        deadlines.watch({ onTick: () => {} });
        clock.advance(phase);
        const from = clock.frame;
        const due = deadlines.tick + Deadlines.ticksFor(milliseconds);
        while (deadlines.tick < due) clock.advance(1);
        expect(clock.frame - from).to.be.within(milliseconds, Math.ceil(milliseconds / 1_000) * 1_000 + 1_000);
      }
    }
    expect(Deadlines.ticksFor(Infinity)).to.equal(Infinity);
  });

  it('keep the date line of the second, RFC 9110 §5.6.7', () => {
    const clock = new VirtualClock(undefined, Date.UTC(1994, 10, 6, 8, 49, 37));
    const deadlines = new Deadlines(clock);
    const one = timed([]);
    deadlines.watch(one);
    expect(deadlines.dateLine).to.equal('date: Sun, 06 Nov 1994 08:49:37 GMT\r\n');
    clock.advance(1_000);
    expect(deadlines.dateLine).to.equal('date: Sun, 06 Nov 1994 08:49:38 GMT\r\n');
    deadlines.forget(one);
    clock.advance(60_000);
    deadlines.watch(one);
    expect(deadlines.dateLine, 'at once for the first in a while').to.equal('date: Sun, 06 Nov 1994 08:50:38 GMT\r\n');
  });
});
