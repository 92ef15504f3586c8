/** http-kit's `run-server`: a handler, a few options, and a server that can be stopped. */
import { BehaviorSubject, type Observable, Subject, type Subscription, takeUntil } from 'rxjs';
import { messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import type { BoundAddress, Cancel } from '../transport/contracts.js';
import { groundFrom, type Ground, Listening } from './listen.js';
import { MAX_TIMEOUT_MS, optionsFrom, type ServerOptions } from './options.js';
import { serve } from './serve.js';
import { type ServerEvent, ServerEvents } from './server-event.js';

/** As http-kit's `server-status`. */
export type ServerStatus = 'running' | 'stopping' | 'stopped';

export interface StopOptions {
  /** Milliseconds that running exchanges get to finish; default 100, as in http-kit. 0 cuts at once. */
  readonly timeout?: number | undefined;
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
 * @returns Resolves once bound. Rejects with the system's error (`EADDRINUSE`, `EACCES` …, with the address in its
 *   message), or with an {@link OptionError} before anything is bound.
 * @example `const server = await runServer(map(() => 'hello'), { port: 8090 });`
 */
export const runServer = async (handler: Handler, options?: Partial<ServerOptions>): Promise<Server> => {
  if (typeof handler !== 'function') throw new OptionError('handler', `is a ${typeof handler}, must be an operator: a function`);
  const checked = optionsFrom(options);
  return new Promise((resolve, reject) => {
    startServer(handler, checked, groundFrom(checked), resolve, reject);
  });
};

/** As {@link runServer}, on any ground and without a promise, so that it can run in virtual time. */
export const startServer = (
  handler: Handler,
  options: ServerOptions,
  ground: Ground,
  onListening: (server: Server) => void,
  onError: (error: unknown) => void,
): void => {
  new RunningServer(handler, options, ground, onListening, onError);
};

class RunningServer implements Server {
  readonly events$: Observable<ServerEvent>;
  readonly status$: Observable<ServerStatus>;
  private readonly subscription: Subscription;
  private readonly listening: Listening;
  private readonly ground: Ground;
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
  ) {
    this.ground = ground;
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

  stop({ timeout = DEFAULT_STOP_TIMEOUT_MS }: StopOptions = {}): Promise<void> {
    if (this.status !== 'running') return this.stopped;
    if (typeof timeout !== 'number' || !(timeout >= 0) || (timeout > MAX_TIMEOUT_MS && timeout !== Infinity)) {
      const allowed = `must be milliseconds from 0 to ${MAX_TIMEOUT_MS}, or Infinity`;
      return Promise.reject(new OptionError('timeout', `is ${messageOf(timeout)}, ${allowed}`));
    }
    this.statuses.next('stopping');
    if (timeout > 0 && timeout !== Infinity) this.cancelCut = this.ground.clock.after(timeout, () => this.cut());
    this.listening.drainWithin(timeout);
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

  private onClosed(): void {
    this.cancelCut?.();
    this.subscription.unsubscribe();
    this.statuses.next('stopped');
    this.statuses.complete();
    this.events.complete();
    this.onStopped();
  }
}
