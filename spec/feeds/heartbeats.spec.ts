import { expect } from 'chai';
import { config } from 'rxjs';
import { Heartbeats } from '#src/feeds/heartbeats.js';

/** Timers of this process that have not fired. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const QUIET = { beat: (): void => {} };

describe('Heartbeats', () => {
  it('of all clients need one timer, which goes with the last of them', () => {
    const before = timers();
    const heartbeats = new Heartbeats(15_000);
    const clients = Array.from({ length: 100 }, () => heartbeats.join(QUIET));
    for (const client of clients) client.speak(Date.now() + 1);
    expect(timers()).to.equal(before + 1);
    for (const client of clients) client.stop();
    for (const client of clients) client.stop();
    expect(timers()).to.equal(before);
    const late = heartbeats.join(QUIET);
    expect(timers()).to.equal(before + 1);
    late.stop();
    expect(timers()).to.equal(before);
  });

  it('need none where none are wanted', () => {
    const before = timers();
    const client = new Heartbeats(Infinity).join(QUIET);
    client.speak();
    expect(timers()).to.equal(before);
    client.stop();
  });

  it('of others go on where one throws', (done) => {
    const { onUnhandledError } = config;
    const heartbeats = new Heartbeats(1);
    let failures = 0;
    let beats = 0;
    config.onUnhandledError = () => {
      if (++failures < 2) return;
      config.onUnhandledError = onUnhandledError;
      other.stop();
      expect(beats).to.be.at.least(1); // between the two
      done();
    };
    const failing = heartbeats.join({
      beat: () => {
        if (beats > 0) failing.stop();
        throw new Error('gone');
      },
    });
    const other = heartbeats.join({ beat: () => void beats++ });
  });
});
