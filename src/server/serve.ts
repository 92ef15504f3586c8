/** The engine's pipeline in one operator. */
import { concatMap, Observable, type OperatorFunction, Subscription } from 'rxjs';
import { HandlerRun, type RunListener } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { IncomingRequest } from '../rx/request.js';
import type { ConnectionListener, ConnectionPort, ExchangePort } from '../transport/contracts.js';
import { type Connection, PortConnection } from './connection.js';

/**
 * Answers every request of every connection with `handler`:
 *
 *     mergeMap((connection) => connection.requests$.pipe(concatMap((exchange) => exchange.answer(handler))))
 *
 * in fewer steps, with the same subscriptions and unsubscriptions. It saves two operators' subscribers for each connection
 * and one for each request: a fifth of what a pipelined hello costs (scenario pipelined).
 *
 * Emits nothing. Completes when its source has and the last connection has closed. Unsubscribing breaks off what runs, and
 * closes every connection.
 */
export const serve =
  (handler: Handler): OperatorFunction<Connection, never> =>
  (connections$) =>
    new Observable<never>((subscriber) => {
      const open = new Set<ServedConnection>();
      let isSourceDone = false;
      const onClosed = (served: ServedConnection): void => {
        open.delete(served);
        if (isSourceDone && open.size === 0) subscriber.complete();
      };
      subscriber.add(
        connections$.subscribe({
          next: (connection) => {
            const served =
              connection instanceof PortConnection
                ? new ServedPort(connection, handler, onClosed)
                : new ServedPipeline(connection, handler, onClosed);
            open.add(served);
            served.start();
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isSourceDone = true;
            if (open.size === 0) subscriber.complete();
          },
        }),
      );
      subscriber.add(() => {
        for (const served of open) served.abandon();
      });
    });

interface ServedConnection {
  start(): void;
  abandon(): void;
}

class ServedPort implements ServedConnection, ConnectionListener, RunListener {
  private readonly connection: PortConnection;
  private readonly handler: Handler;
  private readonly onEnd: (served: ServedConnection) => void;
  private run: HandlerRun | null;

  constructor(connection: PortConnection, handler: Handler, onEnd: (served: ServedConnection) => void) {
    this.connection = connection;
    this.handler = handler;
    this.onEnd = onEnd;
    this.run = null;
  }

  private get port(): ConnectionPort {
    return this.connection.port;
  }

  start(): void {
    this.port.start(this);
  }

  onExchange(exchange: ExchangePort): void {
    const run = new HandlerRun(new IncomingRequest(exchange), this.connection.room, this);
    this.run = run;
    run.start(this.handler);
  }

  onRunEnd(run: HandlerRun): void {
    if (this.run === run) this.run = null; // the next may have begun while this one ended
  }

  onClosed(): void {
    this.onEnd(this);
  }

  abandon(): void {
    this.run?.abandon();
    this.port.drain(0);
  }
}

/** A connection of another make, as in tests. */
class ServedPipeline implements ServedConnection {
  private readonly connection: Connection;
  private readonly handler: Handler;
  private readonly onEnd: (served: ServedConnection) => void;
  private readonly subscription: Subscription;

  constructor(connection: Connection, handler: Handler, onEnd: (served: ServedConnection) => void) {
    this.connection = connection;
    this.handler = handler;
    this.onEnd = onEnd;
    this.subscription = new Subscription();
  }

  start(): void {
    this.subscription.add(
      this.connection.requests$.pipe(concatMap((exchange) => exchange.answer(this.handler))).subscribe({
        error: () => this.onEnd(this), // its own business: a server outlives every connection
        complete: () => this.onEnd(this),
      }),
    );
  }

  abandon(): void {
    this.subscription.unsubscribe();
  }
}
