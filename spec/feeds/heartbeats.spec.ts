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
    const failures: unknown[] = [];
    config.onUnhandledError = (error) => failures.push(error);
    const heartbeats = new Heartbeats(1);
    const failing = heartbeats.join({
      beat: () => {
        throw new Error('gone');
      },
    });
    let beats = 0;
    const other = heartbeats.join({
      beat: () => {
        if (++beats < 3) return;
        failing.stop();
        other.stop();
        config.onUnhandledError = onUnhandledError;
        expect(failures).to.have.lengthOf.at.least(2);
        done();
      },
    });
  });
});
