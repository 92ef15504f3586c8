/** A server in a process of its own: the side of that process, see `server-apart.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Handler, runServer, type ServerOptions } from 'rx-http-kit';

/** What the spec may ask for. An answer is a number. */
export type Answers = Readonly<Record<string, () => number>>;

/**
 * Serves until the spec has gone. To `start` it answers with the octets that are resident after a collection, and counts the
 * largest number from then on; to `peak` with that number.
 */
export const serveApart = async (handler: Handler, options: Partial<ServerOptions>, answers: Answers): Promise<void> => {
  const server = await runServer(handler, options.path === undefined ? { ip: '127.0.0.1', port: 0, ...options } : options);
  const all: Answers = { start: residentOctets, peak: peakOctets, ...answers };
  const failures: unknown[] = [];
  server.events$.subscribe((event) => {
    if (event.type === 'failure') failures.push(event);
  });
  process.on('disconnect', () => process.exit(0));
  process.on('message', (question) => {
    if (failures.length > 0) throw new AggregateError(failures, 'the server has failed');
    process.send?.(all[String(question)]());
  });
  process.send?.(server.port ?? -1);
};

const residentOctets = (): number => {
  globalThis.gc?.(); // the flag is given
  try {
    writeFileSync('/proc/self/clear_refs', '5'); // Linux: the largest number so far is forgotten
  } catch {
    // then it is the largest since the process began, which can only be more
  }
  return process.memoryUsage.rss();
};

/** Of Linux: exact, however short the moment was. Elsewhere the largest since the process began. */
const peakOctets = (): number => {
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1_024;
  } catch {
    // no Linux
  }
  return process.resourceUsage().maxRSS * 1_024;
};
