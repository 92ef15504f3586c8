/** What all connections of a server have in common: the engine, seen from one of them. */
import type { RequestParser } from '../protocol/request-parser.js';
import type { Clock, WireFault, WireLimits } from './contracts.js';
import type { Deadlines, Timed } from './deadlines.js';
import type { Turn } from './turn.js';

export interface ConnectionHost {
  readonly limits: WireLimits;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly deadlines: Deadlines<Timed>;
  /** The `server` line, empty for none. */
  readonly serverLine: string;
  /** Milliseconds until everything is closed; `null` while the server does not drain. */
  readonly drainingMs: number | null;
  /** Status line, `server` and `date` lines in one. */
  headStart(status: number): string;
  acquireParser(): RequestParser;
  releaseParser(parser: RequestParser): void;
  report(fault: WireFault): void;
  onConnectionClosed(): void;
}
