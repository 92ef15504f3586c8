/** A console that is closed. */

/**
 * Lets this process go on where nobody reads what it prints: a log collector that ends, or a terminal that is closed, must not end a server. What is
 * printed from then on is lost.
 */
export const outliveOutput = (): void => {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
};
