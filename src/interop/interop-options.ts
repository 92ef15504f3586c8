/** Options of a handler that a server of another make runs. */
import { optionsFrom, type ServerOptions } from '../server/options.js';
import { eventFrom, printUnwatched, type ServerEvent } from '../server/server-event.js';
import type { Peer } from '../transport/contracts.js';
import type { ReceivedHead } from '../protocol/request-head.js';

/** The limits that our own server would have, and who hears of errors. */
export interface InteropOptions extends Partial<Pick<ServerOptions, 'maxBody' | 'maxWs' | 'maxBufferedBytes' | 'queueSize'>> {
  /** Told of everything that `server.events$` would tell. Default: a `failure` is one line on the console. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

export interface CheckedInterop {
  readonly limits: ServerOptions;
  report(error: unknown, peer: Peer | undefined, head: ReceivedHead | undefined): void;
  emit(event: ServerEvent): void;
}

/** @throws {@link OptionError} */
export const interopFrom = ({ onEvent = printUnwatched, ...limits }: InteropOptions = {}): CheckedInterop => ({
  limits: optionsFrom({ serverHeader: null, ...limits }),
  report: (error, peer, head) => onEvent(eventFrom({ error, peer, head })),
  emit: onEvent,
});
