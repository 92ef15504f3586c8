/**
 * The process around one server under test: `host.mjs <server> <port> <path>`, forked with an IPC channel.
 *
 * Answers `cpu` with the microseconds of user and system time that this process used so far, all its threads together,
 * `memory` with the resident bytes after a full collection, and `count` with what the server
 * counts by itself. Ends when the channel closes, so that no server survives its run.
 */
const [, , server, port, path] = process.argv;
const { start, count } = await import(`./${server}.mjs`);

/** A collection may leave work for the next turn (finalizers, freed pages): one pass is not enough to be repeatable. */
async function residentBytes() {
  for (let pass = 0; pass < 5; pass++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage.rss();
}

process.on('disconnect', () => process.exit(0));
process.on('message', async (question) => {
  if (question === 'memory') return process.send(await residentBytes());
  if (question === 'count') return process.send(count());
  const { user, system } = process.cpuUsage();
  process.send(user + system);
});

await start(Number(port), path);
process.send('ready');
