/** Many processes that serve one module on one address, as one server. */
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { asyncScheduler, BehaviorSubject, lastValueFrom, Observable, Subject } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import { ClusterHost } from '../processes/cluster-host.js';
import type { ProcessAddress } from '../processes/contracts.js';
import type { PlainEvent } from '../processes/messages.js';
import { errorFrom } from '../processes/plain-error.js';
import { Supervisor } from '../processes/supervisor.js';
import { lineFrom, type ProcessEvent } from '../processes/process-event.js';
import { createTcpAcceptor } from '../transport/tcp-acceptor.js';
import { MAX_TIMEOUT_MS, optionsFrom, type ServerOptions } from './options.js';
import type { Server, ServerStatus, StopOptions } from './run-server.js';
import { type ServerEvent, ServerEvents, type ServerEventType } from './server-event.js';

/** Options of {@link runProcesses}: those of a server, for each process, and how many there are. */
export interface ProcessesOptions extends Partial<ServerOptions> {
  /** How many, 1–1 024; `'auto'`, the default, is one for each CPU that this process may use. */
  readonly processes?: number | 'auto' | undefined;
}

/** A group of processes that listens. What `Server` says of connections holds for all of them. */
export interface ProcessServer extends Server {
  /** What becomes of the processes. While nobody is subscribed a crash is one line on the console. Completes once stopped. */
  readonly processes$: Observable<ProcessEvent>;
  /**
   * Replaces all processes, one by one, with new ones that load the module again: each listens before the one in its place drains, for
   * up to `timeout` (default 5 000 ms), and ends. No connection is refused. A call while that is going on is done behind it.
   *
   * @returns Resolves when all are replaced. Rejects when a new one does not start; the old ones go on then.
   */
  replace(options?: StopOptions): Promise<void>;
  /** Ends all processes now, whatever they do; `stop` resolves then. */
  destroy(): void;
}

const MAX_PROCESSES = 1_024;
const DEFAULT_STOP_TIMEOUT_MS = 100;
const DEFAULT_REPLACE_TIMEOUT_MS = 5_000;
/** What a connection that was accepted a moment ago has for its first request when its process leaves. */
const FIRST_REQUEST_MS = 500;

/**
 * Serves the default export of a module, a {@link Handler}, in many processes on one address, until stopped.
 *
 * This process loads no module and answers nothing: it holds the address, hands out connections, and replaces processes that
 * crash, at once the first time, then after 100 ms, doubled each time up to 30 s. Each process answers on its own event loop, or with its own
 * worker threads where `thread` is given. Limits count in each process for itself, and so
 * does all memory: topics too.
 *
 * @returns Resolves once all listen. Rejects with the system's error when the address cannot be bound, with an {@link OptionError}
 *   before anything is started, or with `RHK_PROCESS_FAILED` and its cause when a first process does not start; all are ended then.
 * @example `const server = await runProcesses(new URL('./app.js', import.meta.url), { port: 8090, processes: 'auto' });`
 */
export const runProcesses = async (module: URL, options: ProcessesOptions = {}): Promise<ProcessServer> => {
  if (!(module instanceof URL)) throw new OptionError('module', `is ${complaintAbout(module)}`);
  const { processes, ...serverOptions } = options;
  const count = countFrom(processes);
  const checked = optionsFrom(serverOptions);
  if (!cluster.isPrimary) throw new OptionError('processes', 'cannot be started by a process of a cluster');
  const port = checked.path === null ? await freePort(checked) : checked.port;
  return new Promise((resolve, reject) => {
    new ProcessGroup(module, count, checked.startTimeoutMs, { ...serverOptions, port }, resolve, reject);
  });
};

const complaintAbout = (module: unknown): string => {
  const rule = "give the URL of a module whose default export is the handler: new URL('./app.js', import.meta.url)";
  return typeof module === 'function' ? `a function, which cannot go to another process: ${rule}` : `${messageOf(module)}: ${rule}`;
};

const countFrom = (processes: unknown): number => {
  if (processes === undefined || processes === 'auto') return availableParallelism();
  if (typeof processes === 'number' && Number.isInteger(processes) && processes >= 1 && processes <= MAX_PROCESSES) return processes;
  const value = typeof processes === 'string' ? JSON.stringify(processes) : messageOf(processes);
  throw new OptionError('processes', `is ${value}, must be an integer from 1 to ${MAX_PROCESSES}, or "auto"`);
};

const millisecondsFrom = (name: string, value: unknown, byDefault: number, least: number = 0): number => {
  if (value === undefined) return byDefault;
  if (typeof value === 'number' && value >= least && (value <= MAX_TIMEOUT_MS || value === Infinity)) return value;
  throw new OptionError(name, `is ${messageOf(value)}, must be milliseconds from ${least} to ${MAX_TIMEOUT_MS}, or Infinity`);
};

/**
 * Binds once before any process is started: an address that cannot be had is told at once and by its own error, and 0 becomes a port
 * that every process, and every replacement, can ask for.
 */
const freePort = ({ ip, port, backlog }: ServerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createTcpAcceptor({ ip, port, path: undefined, maxConnections: Infinity, backlog });
    let bound = port;
    probe.open({
      onListening: (address) => {
        bound = address.port ?? port;
        probe.close();
      },
      onConnection: (stream) => stream.destroy(),
      onError: reject,
      onRefused: () => {},
      onClosed: () => resolve(bound),
    });
  });

class ProcessGroup implements ProcessServer {
  readonly status$: Observable<ServerStatus>;
  readonly events$: Observable<ServerEvent>;
  readonly processes$: Observable<ProcessEvent>;
  private readonly supervisor: Supervisor;
  private readonly statuses: BehaviorSubject<ServerStatus>;
  private readonly events: ServerEvents;
  private readonly told: Subject<ProcessEvent>;
  private readonly stopped: Promise<void>;
  private where: ProcessAddress;

  constructor(
    module: URL,
    processes: number,
    startTimeoutMs: number,
    options: Partial<ServerOptions>,
    onListening: (server: ProcessServer) => void,
    onError: (error: Error) => void,
  ) {
    this.statuses = new BehaviorSubject<ServerStatus>('running');
    this.status$ = this.statuses.asObservable();
    this.events = new ServerEvents();
    this.told = new Subject();
    this.processes$ = this.told.asObservable();
    this.where = { port: 0, address: '' };
    let onStopped = (): void => {};
    this.stopped = new Promise((resolve) => (onStopped = resolve));
    const host = new ClusterHost({
      program: fileURLToPath(new URL('./process-entry.js', import.meta.url)),
      module: module.href,
      options,
      environment: { RX_HTTP_KIT_PROCESSES: String(processes) },
      onEvent: (event) => this.events.emit(eventFrom(event)),
    });
    this.events$ = watched(this.events.events$, (isWatched) => host.watch(isWatched));
    this.supervisor = new Supervisor(host, { processes, startTimeoutMs }, asyncScheduler, {
      onListening: (address) => {
        this.where = address;
        onListening(this);
      },
      onStartFailed: onError,
      onEvent: (event) => {
        if (this.told.observed) this.told.next(event);
        else printUnwatched(event);
      },
      onStopped: () => {
        this.statuses.next('stopped');
        this.statuses.complete();
        this.told.complete();
        this.events.complete();
        onStopped();
      },
    });
    this.supervisor.start();
  }

  get port(): number {
    return this.where.port;
  }

  get address(): string {
    return this.where.address;
  }

  get status(): ServerStatus {
    return this.statuses.value;
  }

  async replace({ timeout, firstRequestMs }: StopOptions = {}): Promise<void> {
    const departure = {
      timeout: millisecondsFrom('timeout', timeout, DEFAULT_REPLACE_TIMEOUT_MS),
      firstRequestMs: millisecondsFrom('firstRequestMs', firstRequestMs, FIRST_REQUEST_MS),
    };
    await lastValueFrom(this.supervisor.replace(departure), { defaultValue: undefined });
  }

  async stop({ timeout, firstRequestMs }: StopOptions = {}): Promise<void> {
    if (this.status !== 'running') return this.stopped;
    const departure = {
      timeout: millisecondsFrom('timeout', timeout, DEFAULT_STOP_TIMEOUT_MS),
      firstRequestMs: millisecondsFrom('firstRequestMs', firstRequestMs, 0),
    };
    this.statuses.next('stopping');
    this.supervisor.stop(departure);
    return this.stopped;
  }

  destroy(): void {
    if (this.status === 'running') this.statuses.next('stopping');
    this.supervisor.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

const eventFrom = ({ type, error, method, uri, remoteAddr }: PlainEvent): ServerEvent => ({
  type: type as ServerEventType, // as the process got it from its own server
  error: errorFrom(error),
  method,
  uri,
  remoteAddr,
});

/** Tells when the first subscriber comes and when the last has gone. */
const watched = <T>(source$: Observable<T>, onWatched: (isWatched: boolean) => void): Observable<T> => {
  let watchers = 0;
  return new Observable((subscriber) => {
    if (watchers++ === 0) onWatched(true);
    subscriber.add(() => {
      if (--watchers === 0) onWatched(false);
    });
    subscriber.add(source$.subscribe(subscriber));
  });
};

/** For a group that nobody watches: what is wrong is one line on the console. */
const printUnwatched = (event: ProcessEvent): void => {
  const line = lineFrom(event);
  if (line !== undefined) console.error(`rx-http-kit: ${line}`);
};
