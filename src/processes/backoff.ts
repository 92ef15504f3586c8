/** How long a crashed process waits for its replacement. */

/** A process that served for so long is healthy: its next crash is its first again. */
export const HEALTHY_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 30_000;

/**
 * Milliseconds to wait behind `crashes` crashes in a row: nothing after the first, as a single one is often an accident, then 100 ms, doubled
 * each time up to half a minute.
 */
export const backoffMs = (crashes: number): number =>
  crashes <= 1 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(crashes - 2, 20));
