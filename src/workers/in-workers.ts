/** A handler that is computed by worker threads. */
import type { ResourceLimits } from 'node:worker_threads';
import { type Observable, Subject } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { WaitingRoom } from '../rx/admission/waiting-room.js';
import { eachRequest } from '../rx/each-request.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { originOf } from '../rx/request.js';
import { ForwardedExchange } from './forwarded-exchange.js';
import { complaintAboutLimits } from './resource-limits.js';
import { threadClock } from './thread-clock.js';
import { workerName } from './worker-name.js';
import { WorkerPool, type WorkersLoad } from './worker-pool.js';
import { WorkerThread } from './worker-thread.js';

/** Options of {@link inWorkers}; all have defaults. */
export interface InWorkersOptions {
  /** Threads; default 4, as in http-kit. */
  readonly thread?: number | undefined;
  /** What the names of the threads begin with; a number follows. Default `worker-`. */
  readonly workerNamePrefix?: string | undefined;
  /** Requests that may wait for a thread; default 20 480. Past it 503 with `retry-after`, at once. */
  readonly queueSize?: number | undefined;
  /**
   * Requests that a thread may be busy with, which it is from when it is given one until the first item of the reply; default 1, for
   * handlers that compute. More for handlers that wait for others: a thread that waits can take further requests.
   */
  readonly requestsPerThread?: number | undefined;
  /**
   * Milliseconds that a thread may compute without looking up; default Infinity. Past it it is ended and replaced: the request that
   * it was given gets 503, what else it held 500 or a cut.
   */
  readonly computeTimeoutMs?: number | undefined;
  /** Milliseconds until a thread must be ready, its module loaded; default 60 000. Past it it is ended: `started` rejects, or a replacement is tried again later. */
  readonly startTimeoutMs?: number | undefined;
  /** Octets that may wait for one slow client when they are pushed; default 1 048 576. Past it, and what is on its way, the reply is cut. */
  readonly maxBufferedBytes?: number | undefined;
  /** Memory of each thread, as `worker_threads` has it. A thread that needs more ends, and is replaced. Default: Node's. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** A handler with threads of its own. */
export type WorkersHandler = Handler & Workers;

export interface Workers extends AsyncDisposable {
  /** Resolves when all threads are ready. Rejects with a {@link HandlerError} `RHK_MODULE_FAILED` and its cause when the module cannot serve. */
  readonly started: Promise<void>;
  /** What they have to do, when it is asked for. */
  readonly load: WorkersLoad;
  /**
   * Each thread that died, as an error with its cause, and what went wrong in one after its exchange was over. Never fails. While nobody is subscribed
   * it is one line on the console.
   */
  readonly failures$: Observable<Error>;
  /**
   * Ends the threads: handlers that still run are unsubscribed from, and what waits gets 503. Later requests do too.
   *
   * @returns Resolves when nothing is left of the threads. A second call gives the same promise.
   */
  stop(): Promise<void>;
}

/** Options that are complete. */
interface CheckedOptions {
  readonly thread: number;
  readonly workerNamePrefix: string;
  readonly queueSize: number;
  readonly requestsPerThread: number;
  readonly computeTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly maxBufferedBytes: number;
  readonly resourceLimits: ResourceLimits | undefined;
}

const DEFAULTS: CheckedOptions = {
  thread: 4,
  workerNamePrefix: 'worker-',
  queueSize: 20_480,
  requestsPerThread: 1,
  computeTimeoutMs: Infinity,
  startTimeoutMs: 60_000,
  maxBufferedBytes: 1_048_576,
  resourceLimits: undefined,
};

const MOST_THREADS = 1_024;
const MAX_TIMEOUT_MS = 2_147_483_647;
const NAMES: readonly string[] = Object.keys(DEFAULTS);

/**
 * A handler whose replies are computed on worker threads: the default export of the module is the handler, imported once by each
 * thread, as soon as this is called. Sockets stay on this thread. The handler inside sees the same request, with those fields of `extend` that can be
 * cloned, and may answer with all that a handler may: streams, channels and WebSockets work across the boundary, with their credit.
 *
 * Threads do not keep a process alive once they have started. They end, finalizers included, with the last server that has asked them something:
 * its `stop` waits for them. A later request starts them again; `stop` of this handler ends them for good. A module that `inWorkers` runs cannot use it itself.
 *
 * @param module - A `file:` URL, `new URL('./app.js', import.meta.url)`.
 * @throws {@link OptionError} for a wrong option, at once.
 * @example `routes(get('/report', inWorkers(new URL('./report.js', import.meta.url), { thread: 2 })))`
 */
export const inWorkers = (module: URL | string, options: InWorkersOptions = {}): WorkersHandler => {
  const url = moduleUrl(module);
  if (workerName !== undefined) throw new OptionError('module', `is to run in threads, but ${workerName} is a thread itself`);
  const checked = checkedFrom(options);
  const failures = new Subject<Error>();
  const onFailure = (error: unknown): void => {
    const shown = error instanceof Error ? error : new Error(messageOf(error), { cause: error });
    if (failures.observed) failures.next(shown);
    else console.error(`rx-http-kit: ${shown.message}`.replaceAll('\n', ' '));
  };
  let isStarting = true;
  const pool = new WorkerPool<ForwardedExchange>(
    checked,
    (name, listener) => {
      const task = { name, url, maxBufferedBytes: checked.maxBufferedBytes };
      const { computeTimeoutMs, startTimeoutMs, resourceLimits } = checked;
      const options = { task, computeTimeoutMs, startTimeoutMs, resourceLimits, isAwaited: isStarting };
      return new WorkerThread(options, threadClock, listener);
    },
    threadClock,
    onFailure,
  );
  const started = new Promise<void>((resolve, reject) => pool.start((error) => (error === undefined ? resolve() : reject(error))));
  isStarting = false;
  started.catch(() => {}); // every request says so, too
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= new Promise((resolve) =>
      pool.stop(() => {
        failures.complete();
        resolve();
      }),
    ));
  const servers = new Set<WaitingRoom>();
  const endWith = (server: WaitingRoom): void => {
    servers.add(server);
    server.whenClosed((onEnded) => {
      servers.delete(server);
      if (servers.size > 0) onEnded();
      else pool.rest(onEnded);
    });
  };
  const handler = eachRequest((request, replies) => {
    const server = originOf(request)?.reply?.room;
    if (server !== undefined && !servers.has(server)) endWith(server);
    const exchange = new ForwardedExchange(request, replies);
    replies.add(() => {
      if (!exchange.isUnanswered) return; // its body is in work: it goes with that
      pool.leave(exchange);
      exchange.leave();
    });
    pool.enter(exchange);
  });
  const workers: Workers = {
    started,
    failures$: failures.asObservable(),
    get load() {
      return pool.load;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return Object.defineProperties(handler, Object.getOwnPropertyDescriptors(workers)) as WorkersHandler; // a function with more to it
};

/** @throws {@link OptionError} for what names no file. */
const moduleUrl = (module: URL | string): string => {
  const url = module instanceof URL ? module.href : module;
  if (typeof url === 'string' && url.startsWith('file:') && URL.canParse(url)) return url;
  throw new OptionError('module', `is ${messageOf(module)}, must be a file: URL, as new URL('./app.js', import.meta.url) makes`);
};

/** Those that are numbers. */
type NumberName = 'thread' | 'queueSize' | 'requestsPerThread' | 'maxBufferedBytes';
/** Those that a timer waits for. */
type WaitName = 'computeTimeoutMs' | 'startTimeoutMs';

const checkedFrom = (options: InWorkersOptions): CheckedOptions => {
  knownOptions(options, NAMES);
  const number = (name: NumberName, least: number, most: number): number => integerOption(name, options[name], DEFAULTS[name], least, most);
  const wait = (name: WaitName): number => {
    const value = integerOption(name, options[name], DEFAULTS[name], 1, Infinity);
    if (value === Infinity || value <= MAX_TIMEOUT_MS) return value;
    throw new OptionError(name, `is ${value}, must be an integer from 1 to ${MAX_TIMEOUT_MS}, or Infinity`);
  };
  const { workerNamePrefix = DEFAULTS.workerNamePrefix, resourceLimits } = options;
  if (typeof workerNamePrefix !== 'string' || workerNamePrefix === '')
    throw new OptionError('workerNamePrefix', `is ${messageOf(workerNamePrefix)}, must be a non-empty string`);
  const complaint = resourceLimits === undefined ? null : complaintAboutLimits(resourceLimits);
  if (complaint !== null) throw new OptionError('resourceLimits', complaint);
  return {
    thread: number('thread', 1, MOST_THREADS),
    workerNamePrefix,
    queueSize: number('queueSize', 0, Infinity),
    requestsPerThread: number('requestsPerThread', 1, Infinity),
    computeTimeoutMs: wait('computeTimeoutMs'),
    startTimeoutMs: wait('startTimeoutMs'),
    maxBufferedBytes: number('maxBufferedBytes', 0, Infinity),
    resourceLimits,
  };
};
