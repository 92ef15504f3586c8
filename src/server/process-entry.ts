/**
 * The program of each process of a group: takes the orders of its supervisor, serves one module.
 *
 * It ends when it is told, when the module does not start, and when the process above it has gone: cluster sees to that.
 */
import type { Subscription } from 'rxjs';
import type { Departure } from '../processes/contracts.js';
import { isOurs, type Order, type Report } from '../processes/messages.js';
import { outliveOutput } from '../processes/outlive-output.js';
import { plainFrom } from '../processes/plain-error.js';
import type { Server } from './run-server.js';
import { serveModule } from './serve-module.js';

/** Events on their way to the supervisor; more are dropped, as nothing else bounds what an attacker can cause. */
const MAX_EVENTS_IN_FLIGHT = 1_000;

let server: Server | undefined;
let departure: Departure | undefined;
let watching: Subscription | undefined;
let isWatched = false;
let eventsInFlight = 0;
/** What the application threw while it was loaded. */
let failure: { readonly error: unknown } | undefined;

const report = (message: Report, onSent: () => void = () => {}): void => {
  process.send?.(message, undefined, undefined, () => onSent()); // a supervisor that has gone ends this process anyway
};

const start = async (module: URL, options: object): Promise<void> => {
  try {
    server = await serveModule(module, options);
  } catch (error) {
    failure = { error };
    report({ kit: 'failed', error: plainFrom(error) }); // the supervisor says when to end: it must have read this
    return;
  }
  if (departure !== undefined) return drain(server, departure);
  report({ kit: 'ready', port: server.port, address: server.address });
  watch();
};

const drain = (running: Server, { timeout, firstRequestMs }: Departure): void => {
  void running.stop({ timeout, firstRequestMs }).then(() => report({ kit: 'stopped' }));
};

/** While nobody watches the group, each server prints its failures itself. */
const watch = (): void => {
  watching?.unsubscribe();
  if (!isWatched) return;
  watching = server?.events$.subscribe(({ type, error, method, uri, remoteAddr }) => {
    if (eventsInFlight >= MAX_EVENTS_IN_FLIGHT) return;
    eventsInFlight++;
    report({ kit: 'event', type, error: plainFrom(error), method, uri, remoteAddr }, () => eventsInFlight--);
  });
};

const leave = (): void => {
  // Thrown, as only Node.js itself can tell the line of a syntax error.
  if (failure?.error instanceof SyntaxError) {
    setImmediate(() => {
      throw failure?.error;
    });
  } else process.exit(failure === undefined ? 0 : 1);
};

const onOrder = (order: Order): void => {
  if (order.kit === 'start') void start(new URL(order.module), order.options);
  else if (order.kit === 'watch') {
    isWatched = order.isWatched;
    watch();
  } else if (order.kit === 'stop') {
    departure = order;
    if (server !== undefined) drain(server, order);
    else report({ kit: 'stopped' });
  } else {
    // What was said before, connections that were handed back among it, must have left.
    report({ kit: 'bye' }, leave);
  }
};

process.on('message', (message: unknown) => {
  if (isOurs(message)) onOrder(message as Order); // what a supervisor says
});
outliveOutput();
// A supervisor that was killed while this process told it something: `disconnect` follows, and ends it.
process.on('error', () => {});
// A terminal and a service manager signal the whole group: the supervisor decides what they mean.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
report({ kit: 'here' });
