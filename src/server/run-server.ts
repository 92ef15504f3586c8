/** http-kit's `run-server`: a handler, a few options, and a server that can be stopped. */
import { BehaviorSubject, type Observable, Subject, type Subscription, takeUntil } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { kindOf } from '../rx/response.js';
import type { BoundAddress, Cancel } from '../transport/contracts.js';
import { inWorkers, type Workers } from '../workers/in-workers.js';
import { groundFrom, type Ground, Listening } from './listen.js';
import { MAX_TIMEOUT_MS, optionsFrom, type ServerOptions } from './options.js';
import { serve } from './serve.js';
import { eventFrom, type ServerEvent, ServerEvents } from './server-event.js';

/** As http-kit's `server-status`. */
export type ServerStatus = 'running' | 'stopping' | 'stopped';

export interface StopOptions {
  /** Milliseconds that running exchanges get to finish; default 100, as in http-kit. 0 cuts at once. */
  readonly timeout?: number | undefined;
  /**
   * Milliseconds that a connection which has sent nothing yet may stay for its first request; default 0: it is closed at once, as
   * every idle one. For servers that hand over to another, whose newest clients connected a moment ago. Checked every second.
   */
  readonly firstRequestMs?: number | undefined;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** The port it is bound to; 0 on a Unix socket. */
  readonly port: number;
  /** As `host:port`, `[host]:port`, or the path of the Unix socket. */
  readonly address: string;
  readonly status: ServerStatus;
  /** The current status first, then each change; completes once stopped. */
  readonly status$: Observable<ServerStatus>;
  /**
   * Everything that went wrong without ending the server: errors of handlers with their cause, broken rules, refusals.
   * Never fails; completes once stopped. While nobody is subscribed a `failure` is one line on the console.
   */
  readonly events$: Observable<ServerEvent>;
  /**
   * Accepts nothing any more, closes idle connections, lets running exchanges finish up to `timeout`, then cuts them.
   *
   * @returns Resolves when every connection is closed and every finalizer has run. A second call gives the same promise.
   */
  stop(options?: StopOptions): Promise<void>;
}

const DEFAULT_STOP_TIMEOUT_MS = 100;

/**
 * Serves `handler` until stopped.
 *
 * A handler that is a `file:` URL names a module whose default export is the handler: each of `thread` worker threads imports it and
 * computes replies, while sockets stay here. See `inWorkers` for one route of many.
 *
 * @returns Resolves once bound. Rejects with the system's error (`EADDRINUSE`, `EACCES` …, with the address in its
 *   message), with an {@link OptionError} before anything is bound, or with a {@link HandlerError} `RHK_MODULE_FAILED` and its
 *   cause where a module cannot serve: it is missing, broken, or its default export is no function.
 * @example `const server = await runServer(map(() => 'hello'), { port: 8090 });`
 * @example `const server = await runServer(new URL('./app.js', import.meta.url), { thread: 4 });`
 */
export const runServer = async (handler: Handler | URL | string, options?: Partial<ServerOptions>): Promise<Server> => {
  const isModule = handler instanceof URL || typeof handler === 'string';
  if (!isModule && typeof handler !== 'function') {
    throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function, or the file: URL of a module`);
  }
  const checked = optionsFrom(options);
  if (isModule) return runModule(handler, checked);
  return new Promise((resolve, reject) => {
    startServer(handler, checked, groundFrom(checked), resolve, reject);
  });
};

/** The threads first: a server whose handler cannot be there is never bound. */
const runModule = async (module: URL | string, options: ServerOptions): Promise<Server> => {
  const { thread, workerNamePrefix, queueSize, requestsPerThread, computeTimeoutMs, startTimeoutMs, maxBufferedBytes } = options;
  const resourceLimits = options.resourceLimits ?? undefined;
  const workers = inWorkers(module, {
    thread,
    workerNamePrefix,
    queueSize,
    requestsPerThread,
    computeTimeoutMs,
    startTimeoutMs,
    maxBufferedBytes,
    resourceLimits,
  });
  await workers.started;
  // A request that a thread is busy with has no place in the queue, but waits for its first item like those that have.
  const places = queueSize + thread * requestsPerThread;
  try {
    return await new Promise<Server>((resolve, reject) => {
      startServer(workers, { ...options, queueSize: places }, groundFrom(options), resolve, reject, workers);
    });
  } catch (error) {
    await workers.stop();
    throw error;
  }
};

/** As {@link runServer}, on any ground and without a promise, so that it can run in virtual time. */
export const startServer = (
  handler: Handler,
  options: ServerOptions,
  ground: Ground,
  onListening: (server: Server) => void,
  onError: (error: unknown) => void,
  workers: Workers | null = null,
): void => {
  new RunningServer(handler, options, ground, onListening, onError, workers);
};

class RunningServer implements Server {
  readonly events$: Observable<ServerEvent>;
  readonly status$: Observable<ServerStatus>;
  private readonly subscription: Subscription;
  private readonly listening: Listening;
  private readonly ground: Ground;
  /** The threads that compute its replies, where it has some: they live as long as it does. */
  private readonly workers: Workers | null;
  private readonly statuses: BehaviorSubject<ServerStatus>;
  private readonly stopping$: Subject<void>;
  private readonly stopped: Promise<void>;
  private readonly events: ServerEvents;
  private onStopped: () => void;
  private cancelCut: Cancel | undefined;
  private bound: BoundAddress;

  constructor(
    handler: Handler,
    options: ServerOptions,
    ground: Ground,
    onListening: (server: Server) => void,
    onError: (error: unknown) => void,
    workers: Workers | null,
  ) {
    this.ground = ground;
    this.workers = workers;
    this.statuses = new BehaviorSubject<ServerStatus>('running');
    this.status$ = this.statuses.asObservable();
    this.stopping$ = new Subject();
    this.events = new ServerEvents();
    this.events$ = this.events.events$;
    this.onStopped = () => {};
    this.stopped = new Promise((resolve) => (this.onStopped = resolve));
    this.cancelCut = undefined;
    this.bound = { ip: undefined, port: undefined, path: undefined };
    this.listening = new Listening(ground, options, {
      onListening: (address) => {
        this.bound = address;
        onListening(this);
      },
      onEvent: (event) => this.events.emit(event),
      onClosed: () => this.onClosed(),
    });
    workers?.failures$.subscribe((error) => this.events.emit(eventFrom({ error, peer: undefined, head: undefined })));
    this.subscription = this.listening.connections$.pipe(takeUntil(this.stopping$), serve(handler)).subscribe({ error: onError });
  }

  get port(): number {
    return this.bound.port ?? 0;
  }

  get address(): string {
    const { ip, port, path } = this.bound;
    if (path !== undefined) return path;
    return ip?.includes(':') === true ? `[${ip}]:${port}` : `${ip}:${port}`;
  }

  get status(): ServerStatus {
    return this.statuses.value;
  }

  stop({ timeout = DEFAULT_STOP_TIMEOUT_MS, firstRequestMs = 0 }: StopOptions = {}): Promise<void> {
    if (this.status !== 'running') return this.stopped;
    for (const [name, value] of Object.entries({ timeout, firstRequestMs })) {
      if (typeof value === 'number' && value >= 0 && (value <= MAX_TIMEOUT_MS || value === Infinity)) continue;
      const allowed = `must be milliseconds from 0 to ${MAX_TIMEOUT_MS}, or Infinity`;
      return Promise.reject(new OptionError(name, `is ${messageOf(value)}, ${allowed}`));
    }
    this.statuses.next('stopping');
    if (timeout > 0 && timeout !== Infinity) this.cancelCut = this.ground.clock.after(timeout, () => this.cut());
    this.listening.drainWithin(timeout, firstRequestMs);
    this.stopping$.next();
    if (timeout === 0) this.cut();
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Unsubscribes from every handler, then closes what is open. */
  private cut(): void {
    this.subscription.unsubscribe();
    this.listening.destroy();
  }

  /** The last connection has closed, and every handler was let go of. */
  private onClosed(): void {
    this.cancelCut?.();
    this.subscription.unsubscribe();
    if (this.workers === null) this.finish();
    else void this.workers.stop().then(() => this.finish());
  }

  private finish(): void {
    this.statuses.next('stopped');
    this.statuses.complete();
    this.events.complete();
    this.onStopped();
  }
}
