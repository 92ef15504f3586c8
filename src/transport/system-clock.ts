/** The machine's own time. */
import type { Clock } from './contracts.js';

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  // A server lives as long as it listens, not as long as it looks at its watch.
  every: (milliseconds, action) => {
    const timer = setInterval(action, milliseconds).unref();
    return () => clearInterval(timer);
  },
  endOfTurn: (action) => process.nextTick(action),
  nextTurn: (action) => void setImmediate(action),
};
