/** What the engine relies on in a `Clock`: the same for the machine's and for virtual time. */
import { expect } from 'chai';
import type { Cancel, Clock } from '#src/transport/contracts.js';

/** A clock, and the way to wait by it. */
export interface Time {
  readonly clock: Clock;
  /** Lets a little time pass. */
  pass(): Promise<void>;
}

export const describeClock = (name: string, createTime: () => Time): void => {
  describe(`a Clock of ${name}`, () => {
    let clock: Clock;
    let pass: () => Promise<void>;
    let log: string[];
    beforeEach(() => {
      const time = createTime();
      clock = time.clock;
      pass = () => time.pass();
      log = [];
    });

    const say = (line: string) => (): void => void log.push(line);
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await pass();
    };

    it('ends a turn before the next one begins, in the order in which both were asked for', async () => {
      clock.nextTurn(say('next 1'));
      clock.endOfTurn(say('end 1'));
      clock.nextTurn(say('next 2'));
      clock.endOfTurn(say('end 2'));
      expect(log, 'nothing within the call').to.deep.equal([]);
      await until(() => log.length === 4);
      expect(log).to.deep.equal(['end 1', 'end 2', 'next 1', 'next 2']);
    });

    it('takes what is asked for at the end of a turn into that end', async () => {
      clock.nextTurn(say('next'));
      clock.endOfTurn(() => {
        say('end')();
        clock.endOfTurn(say('end of the end'));
      });
      await until(() => log.length === 3);
      expect(log).to.deep.equal(['end', 'end of the end', 'next']);
    });

    it('ends each of the next turns too', async () => {
      clock.nextTurn(() => {
        say('first')();
        clock.endOfTurn(say('its end'));
        clock.nextTurn(say('second'));
      });
      await until(() => log.length === 3);
      expect(log).to.deep.equal(['first', 'its end', 'second']);
    });

    it('waits at least so long, the shorter first', async () => {
      const start = clock.now();
      let waited = 0;
      clock.after(30, () => {
        say('30')();
        waited = clock.now() - start;
      });
      clock.after(5, say('5'));
      clock.endOfTurn(say('end'));
      await until(() => log.length === 3);
      expect(log).to.deep.equal(['end', '5', '30']);
      expect(waited).to.be.at.least(29); // a machine's timers and its wall clock round apart
    });

    it('does once what was asked for once', async () => {
      clock.after(1, say('once'));
      clock.after(20, say('later'));
      await until(() => log.includes('later'));
      expect(log).to.deep.equal(['once', 'later']);
    });

    it('does not do what was cancelled, cancelled any number of times, before and after', async () => {
      const cancel = clock.after(1, say('cancelled'));
      const done = clock.after(2, say('done'));
      cancel();
      cancel();
      clock.after(20, say('later'));
      await until(() => log.includes('later'));
      done();
      done();
      cancel();
      expect(log).to.deep.equal(['done', 'later']);
    });

    it('repeats until it is cancelled, also by what it does', async () => {
      let count = 0;
      const cancel: Cancel = clock.every(2, () => {
        count++;
        if (count === 3) cancel();
      });
      const other = clock.every(2, say('other'));
      await until(() => log.length >= 5);
      other();
      other();
      cancel();
      const { length } = log;
      clock.after(20, say('later'));
      await until(() => log.includes('later'));
      expect([count, log.length]).to.deep.equal([3, length + 1]);
    });

    it('repeats no sooner than asked, and lets everything else go on between', async () => {
      const start = clock.now();
      let turns = 0;
      const times: number[] = [];
      const seen: number[] = [];
      const count = (): void => {
        turns++;
        if (times.length < 4) clock.nextTurn(count);
      };
      clock.nextTurn(count);
      const cancel = clock.every(5, () => {
        times.push(clock.now() - start);
        seen.push(turns);
      });
      await until(() => times.length >= 4);
      cancel();
      times.forEach((time, i) => expect(time, `tick ${i + 1}`).to.be.at.least(5 * (i + 1) - 1));
      seen.forEach((turn, i) => i > 0 && expect(turn, `turns before tick ${i + 1}`).to.be.above(seen[i - 1]));
    });

    it('never goes back', async () => {
      let last = clock.now();
      for (let i = 0; i < 10; i++) {
        await pass();
        expect(clock.now()).to.be.at.least(last);
        last = clock.now();
      }
      clock.after(5, say('later'));
      const before = clock.now();
      await until(() => log.length > 0);
      expect(clock.now()).to.be.above(before);
    });
  });
};
