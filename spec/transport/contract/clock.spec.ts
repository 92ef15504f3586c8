import { systemClock } from '#src/transport/system-clock.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';
import { describeClock } from './describe-clock.js';
import { turns } from './socket-carriage.js';

describeClock('the machine', () => ({ clock: systemClock, pass: turns }));

describeClock('virtual time', () => {
  const clock = new VirtualClock();
  return { clock, pass: () => Promise.resolve(clock.advance(1)) };
});
