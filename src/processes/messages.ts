/**
 * What a supervisor and its processes say to each other over the channel between them. An application may use the channel too:
 * ours are known by their `kit`.
 */
import type { Departure, ProcessAddress } from './contracts.js';
import type { PlainError } from './plain-error.js';

/** To a process. */
export type Order =
  /** In answer to `here`. `options` have been checked. */
  | { readonly kit: 'start'; readonly module: string; readonly options: Readonly<Record<string, unknown>> }
  /** Whether somebody listens to its events. */
  | { readonly kit: 'watch'; readonly isWatched: boolean }
  | ({ readonly kit: 'stop' } & Departure)
  /** Nothing more comes: connections that were on their way to it have been given to others. */
  | { readonly kit: 'exit' };

/** A {@link ServerEvent} without its class. */
export interface PlainEvent {
  readonly type: string;
  readonly error: PlainError;
  readonly method: string | undefined;
  readonly uri: string | undefined;
  readonly remoteAddr: string | undefined;
}

/** From a process. */
export type Report =
  /** It listens to orders: those that came earlier it would have missed. */
  | { readonly kit: 'here' }
  | ({ readonly kit: 'ready' } & ProcessAddress)
  /** It has not started, and waits for `exit`. */
  | { readonly kit: 'failed'; readonly error: PlainError }
  | ({ readonly kit: 'event' } & PlainEvent)
  /** It has drained, and waits for `exit`. */
  | { readonly kit: 'stopped' }
  /** The last word: all that was said before it has left. */
  | { readonly kit: 'bye' };

/** Whether a message is ours. */
export const isOurs = (message: unknown): message is Order | Report =>
  typeof message === 'object' && message !== null && 'kit' in message && typeof message.kit === 'string';
