/**
 * The machine's own time, for threads: nobody lives longer for it, where the clock of `transport/` holds a process until a stop is cut. That clock
 * belongs to sockets, which this floor does not know.
 */
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
