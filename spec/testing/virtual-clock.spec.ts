import { expect } from 'chai';
import { marbles } from 'rx-http-kit/testing';
import { VirtualClock } from '#src/testing/virtual-clock.js';

/** What every clock promises is in `spec/transport/contract/`. */
describe('VirtualClock', () => {
  it('passes when it is told to, a frame a millisecond', () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.after(10, () => log.push('10'));
    clock.every(4, () => log.push(`every ${clock.frame}`));
    clock.advance(9);
    expect([log, clock.frame, clock.now()]).to.deep.equal([['every 4', 'every 8'], 9, 9]);
    clock.advance(1);
    expect(log).to.deep.equal(['every 4', 'every 8', '10']);
    clock.advance(0.5);
    clock.advance(1.5);
    expect([log.at(-1), clock.frame]).to.deep.equal(['every 12', 12]);
  });

  it('begins where it is told to', () => {
    const clock = new VirtualClock(undefined, Date.UTC(2025, 0, 1));
    clock.advance(1_000);
    expect(new Date(clock.now()).toISOString()).to.equal('2025-01-01T00:00:01.000Z');
  });

  it('ends a turn without letting time pass', () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.endOfTurn(() => {
      log.push('end');
      clock.endOfTurn(() => log.push('end of the end'));
    });
    clock.nextTurn(() => log.push('next'));
    clock.settle();
    expect([log, clock.frame]).to.deep.equal([['end', 'end of the end'], 0]);
    clock.advance(1);
    expect(log).to.deep.equal(['end', 'end of the end', 'next']);
  });

  it('ends a frame behind all that is due in it', () => {
    marbles(({ clock, hot }) => {
      const log: string[] = [];
      hot('-a').subscribe(() => {
        log.push('first');
        clock.endOfTurn(() => log.push(`end in frame ${clock.frame}`));
        clock.nextTurn(() => log.push(`next in frame ${clock.frame}`));
      });
      hot('-b').subscribe(() => log.push('second'));
      clock.after(3, () => expect(log).to.deep.equal(['first', 'second', 'end in frame 1', 'next in frame 2']));
    });
  });

  it('lets a repetition end itself in the middle of its action', () => {
    const clock = new VirtualClock();
    let count = 0;
    const cancel = clock.every(1, () => {
      count++;
      cancel();
    });
    clock.advance(10);
    expect(count).to.equal(1);
  });
});
