/** A word to those who run many processes and keep in memory what all of them should have. */

let hasWarned = false;

/**
 * Warns once in a process that is one of many, as `runProcesses` says in its environment (`RX_HTTP_KIT_PROCESSES`): a warning of
 * Node.js with the code `RHK_PER_PROCESS`, which `--disable-warning=RHK_PER_PROCESS` silences.
 *
 * @param what - What it is about: `topic "prices"`.
 */
export const warnPerProcess = (what: string): void => {
  const processes = Number(process.env.RX_HTTP_KIT_PROCESSES ?? 1);
  if (hasWarned || !(processes > 1)) return;
  hasWarned = true;
  const message = `${what} is in the memory of this process alone, and ${processes} of them serve: clients of another one see nothing of it`;
  process.emitWarning(message, { type: 'Warning', code: 'RHK_PER_PROCESS' });
};
