/** The machine's own time, for threads: nobody lives longer for it. */
import type { Clock } from '../transport/contracts.js';

export const threadClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds).unref();
    return () => clearTimeout(timer);
  },
  every: (milliseconds, action) => {
    const timer = setInterval(action, milliseconds).unref();
    return () => clearInterval(timer);
  },
  endOfTurn: (action) => process.nextTick(action),
  nextTurn: (action) => void setImmediate(action),
};
