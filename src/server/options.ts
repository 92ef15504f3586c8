/**
 * Every option of a server: its name, unit and default, and the check that a wrong one meets before anything is bound.
 */
import type { ResourceLimits } from 'node:worker_threads';
import { messageOf, OptionError } from '../errors.js';
import { isFieldValue } from '../protocol/grammar.js';
import { complaintAboutLimits } from '../workers/resource-limits.js';

export interface ServerOptions {
  /** Address to listen on, IPv4 or IPv6. */
  readonly ip: string;
  /** TCP port, 0–65 535; 0 picks a free one. A port that is taken rejects with `EADDRINUSE`. */
  readonly port: number;
  /** Path of a Unix socket to listen on instead of `ip` and `port`; `null` for none. Removed by `stop`. A file that is there rejects with `EADDRINUSE`, also one that a killed server left. At most 107 octets on Linux, 103 on macOS. */
  readonly path: string | null;
  /** Requests, over all connections, that may wait for their first reply item. Past it 503 with `retry-after`, at once. */
  readonly queueSize: number;
  /** Worker threads that compute replies, where the handler is a module. A handler that is a function runs on the event loop; this says nothing to it. */
  readonly thread: number;
  /** What the names of the threads begin with; a number follows: `worker-1`. */
  readonly workerNamePrefix: string;
  /** Requests that a thread may be busy with: from when it is given one until the first item of its reply. 1 suits handlers that compute; past it requests wait for a thread. */
  readonly requestsPerThread: number;
  /** Milliseconds that a thread may compute without looking up. Past it it is ended and replaced: its request gets 503, what else it held 500 or a cut. */
  readonly computeTimeoutMs: number;
  /** Milliseconds until a thread must be ready, its module loaded; and a new process of `runProcesses` must listen. Past it it is ended: at the start that is an error, a replacement is tried again later. */
  readonly startTimeoutMs: number;
  /** Memory of each thread, as `worker_threads` has it; `null` for Node's own limits. A thread that needs more ends and is replaced: what it held gets 500 or a cut. */
  readonly resourceLimits: ResourceLimits | null;
  /** Octets of a request body. Past it 413: by content-length before a byte of the body is read, by count when chunked. */
  readonly maxBody: number;
  /** Octets of a WebSocket message, after inflation. Past it the socket closes with 1009. A channel may have its own limit. */
  readonly maxWs: number;
  /** Octets of the request line and of each header line. Past it 414. */
  readonly maxLine: number;
  /** Header lines of a request, its trailers included. Past it 431. */
  readonly maxHeaders: number;
  /** Octets of a request head with its padding, its trailers included. Past it 431. */
  readonly maxHeadBytes: number;
  /** Octets that may wait for one slow client when they are pushed (Observables). Past it the reply is cut. */
  readonly maxBufferedBytes: number;
  /** Open connections. Past it a new one is closed at once, and an event tells. Below what a process may open (`ulimit -n`), or there will be no event: Node.js closes unseen what it has no file descriptor for. */
  readonly maxConnections: number;
  /** Requests on one connection. The last one is answered with `connection: close`. */
  readonly maxRequestsPerConnection: number;
  /** Milliseconds for a request head, from its first byte to its last. Past it 408; checked every second. */
  readonly headTimeoutMs: number;
  /** Octets per second that a request body must bring on average while it is read, after a grace of 5 s. Below it 408; 0 lets it take its time. */
  readonly bodyMinBytesPerSecond: number;
  /** Milliseconds that a connection may idle before and between requests. Past it it is closed; checked every second. */
  readonly keepAliveTimeoutMs: number;
  /** Milliseconds that a client that has sent FIN waits for its reply to begin. Past it it is taken as gone; checked every second. */
  readonly halfCloseTimeoutMs: number;
  /** Milliseconds in which a client that is sent something must take at least one write. Past it it is cut; checked every second. */
  readonly stallTimeoutMs: number;
  /** Connections that the operating system may hold before they are accepted; its own limit counts too. */
  readonly backlog: number;
  /** Value of the `server` header of every response; `null` for none. */
  readonly serverHeader: string | null;
}

export const DEFAULTS: ServerOptions = Object.freeze({
  ip: '0.0.0.0',
  port: 8090,
  path: null,
  queueSize: 20_480,
  thread: 4,
  workerNamePrefix: 'worker-',
  requestsPerThread: 1,
  computeTimeoutMs: Infinity,
  startTimeoutMs: 60_000,
  resourceLimits: null,
  maxBody: 8_388_608,
  maxWs: 4_194_304,
  maxLine: 8_192,
  maxHeaders: 100,
  maxHeadBytes: 65_536,
  maxBufferedBytes: 1_048_576,
  maxConnections: Infinity,
  maxRequestsPerConnection: Infinity,
  headTimeoutMs: 30_000,
  bodyMinBytesPerSecond: 240,
  keepAliveTimeoutMs: 75_000,
  halfCloseTimeoutMs: 10_000,
  stallTimeoutMs: 60_000,
  backlog: 511,
  serverHeader: 'rx-http-kit',
});

/** Says what is wrong with a value, or `null`. */
type Check = (value: unknown) => string | null;

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : messageOf(value));

const integer =
  (least: number, most: number, orInfinity = false): Check =>
  (value) => {
    if (orInfinity && value === Infinity) return null;
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return null; // an integer is a number
    return `is ${shown(value)}, must be an integer from ${least} to ${most}${orInfinity ? ', or Infinity' : ''}`;
  };

const limit = (least: number): Check => integer(least, Number.MAX_SAFE_INTEGER, true);
/** What a timer can wait; past it, it would not wait at all. */
export const MAX_TIMEOUT_MS = 2_147_483_647;
const milliseconds: Check = integer(0, MAX_TIMEOUT_MS, true);

const nonEmptyText: Check = (value) =>
  typeof value === 'string' && value.length > 0 && !value.includes('\0') ? null : `is ${shown(value)}, must be a non-empty string`;

/** What an address of a Unix socket holds: what is longer would be cut without a word, and bound. A pipe of Windows has a name. */
const MAX_PATH_OCTETS = { linux: 107, win32: 256 }[process.platform as string] ?? 103;

const socketPath: Check = (value) => {
  const complaint = nonEmptyText(value);
  if (complaint !== null) return complaint;
  const octets = Buffer.byteLength(value as string); // a text
  return octets <= MAX_PATH_OCTETS ? null : `is ${octets} octets long, the path of a Unix socket has at most ${MAX_PATH_OCTETS}`;
};

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? null : check(value);

const resourceLimits: Check = (value) => {
  const complaint = complaintAboutLimits(value);
  return complaint === null ? null : `is ${shown(value)}, ${complaint}`;
};

const fieldValue: Check = (value) =>
  typeof value === 'string' && value.length > 0 && isFieldValue(value) ? null : `is ${shown(value)}, must be a header value or null`;

/** What fits into a head that passes `maxLine` at all: a request line needs 14 octets, `GET / HTTP/1.1`. */
const MIN_LINE = 14;

const CHECKS: Readonly<Record<keyof ServerOptions, Check>> = {
  ip: nonEmptyText,
  port: integer(0, 65_535),
  path: orNull(socketPath),
  queueSize: limit(1),
  thread: integer(1, 1_024),
  workerNamePrefix: nonEmptyText,
  requestsPerThread: limit(1),
  computeTimeoutMs: integer(1, MAX_TIMEOUT_MS, true),
  startTimeoutMs: integer(1, MAX_TIMEOUT_MS, true),
  resourceLimits: orNull(resourceLimits),
  maxBody: limit(0),
  maxWs: integer(1, 2_147_483_647), // the receiver counts in 32 bits
  maxLine: integer(MIN_LINE, 1_048_576),
  maxHeaders: integer(1, 65_536),
  maxHeadBytes: integer(64, 16_777_216),
  maxBufferedBytes: limit(0),
  maxConnections: limit(1),
  maxRequestsPerConnection: limit(1),
  headTimeoutMs: milliseconds,
  bodyMinBytesPerSecond: integer(0, Number.MAX_SAFE_INTEGER),
  keepAliveTimeoutMs: milliseconds,
  halfCloseTimeoutMs: milliseconds,
  stallTimeoutMs: milliseconds,
  backlog: integer(1, 65_535),
  serverHeader: orNull(fieldValue),
};

const ELSEWHERE = 'is an option of runProcesses, which takes the URL of a module: a function cannot go to another process';

const isOption = (name: string): name is keyof ServerOptions => Object.hasOwn(CHECKS, name);

/**
 * The options of a server, complete. `undefined` means the default.
 *
 * @throws {@link OptionError} naming the first wrong option, its value and what it may be.
 */
export const optionsFrom = (given: Partial<ServerOptions> | undefined): ServerOptions => {
  if (given !== undefined && (typeof given !== 'object' || given === null)) {
    throw new OptionError('options', `is ${shown(given)}, must be an object`);
  }
  const options: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (name === 'processes') throw new OptionError(name, ELSEWHERE);
    if (!isOption(name)) throw new OptionError(name, `is not an option; the options are ${Object.keys(CHECKS).join(', ')}`);
    if (value === undefined) continue;
    const complaint = CHECKS[name](value);
    if (complaint !== null) throw new OptionError(name, complaint);
    options[name] = value;
  }
  return Object.freeze(options) as unknown as ServerOptions; // every key checked or a default
};
