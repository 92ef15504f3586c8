/** A server as an Observable of its connections: the seam between sockets and rx. */
import { defer, Observable, type Subscriber } from 'rxjs';
import { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { Acceptor, BoundAddress, Clock } from '../transport/contracts.js';
import { Engine } from '../transport/engine.js';
import { systemClock } from '../transport/system-clock.js';
import { createTcpAcceptor } from '../transport/tcp-acceptor.js';
import { type Connection, PortConnection } from './connection.js';
import { optionsFrom, type ServerOptions } from './options.js';
import { eventFrom, printUnwatched, type ServerEvent } from './server-event.js';

/** What a server stands on; virtual in tests. */
export interface Ground {
  readonly acceptor: Acceptor;
  readonly clock: Clock;
}

/** Who follows a server's life besides its connections. */
export interface ListenHooks {
  onListening?(address: BoundAddress): void;
  onEvent(event: ServerEvent): void;
  /** Nothing listens, the last connection has closed. */
  onClosed?(): void;
}

/**
 * A server: subscribing binds, every item is an accepted connection.
 *
 * Fails when it cannot bind, with the system's error. Unsubscribing drains: nothing is accepted any more, idle connections
 * close, running exchanges finish as long as their own subscriptions last. Completes never by itself.
 *
 * @throws {@link OptionError} at once, before anything is bound.
 */
export const listen = (options?: Partial<ServerOptions>): Observable<Connection> => {
  const checked = optionsFrom(options);
  return defer(() => new Listening(groundFrom(checked), checked, { onEvent: printUnwatched }).connections$);
};

/** The operating system's sockets and clock. */
export const groundFrom = (options: ServerOptions): Ground => ({
  acceptor: createTcpAcceptor({
    ip: options.ip,
    port: options.port,
    path: options.path ?? undefined,
    maxConnections: options.maxConnections,
    backlog: options.backlog,
  }),
  clock: systemClock,
});

/** A server that has not been bound yet. */
export class Listening {
  /** Subscribing binds, unsubscribing drains. Can be subscribed once. */
  readonly connections$: Observable<Connection>;
  private readonly engine: Engine;
  private drainsWithinMs: number;
  private firstRequestMs: number;

  constructor(ground: Ground, options: ServerOptions, hooks: ListenHooks) {
    this.drainsWithinMs = Infinity;
    this.firstRequestMs = 0;
    const room = new WaitingRoom(options.queueSize);
    let subscriber: Subscriber<Connection> | undefined;
    this.engine = new Engine(ground.acceptor, ground.clock, options, {
      onListening: (address) => hooks.onListening?.(address),
      onConnection: (port) => subscriber?.next(new PortConnection(port, room)),
      onBindError: (error) => subscriber?.error(error),
      onFault: (fault) => hooks.onEvent(eventFrom(fault)),
      onClosed: () => room.close(() => hooks.onClosed?.()),
    });
    this.connections$ = new Observable((first) => {
      subscriber = first;
      this.engine.open();
      return () => this.engine.drain(this.drainsWithinMs, this.firstRequestMs);
    });
  }

  /** Says how long after `connections$` is unsubscribed `destroy` will be called: those who end by themselves keep to it. */
  drainWithin(milliseconds: number, firstRequestMs: number): void {
    this.drainsWithinMs = milliseconds;
    this.firstRequestMs = firstRequestMs;
  }

  /** Closes every connection now. */
  destroy(): void {
    this.engine.destroy();
  }
}
