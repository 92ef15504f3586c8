/** Handlers that know their method and path: what `routes` can look up instead of trying. */
import type { OperatorFunction } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import type { HttpResponse, Reply } from '../rx/response.js';
import type { PathPattern } from './path-pattern.js';

/** One line of a table. */
export interface Entry {
  /** `null` for any. */
  readonly methods: readonly string[] | null;
  readonly pattern: PathPattern;
  /** The answer, or who may give it. */
  readonly answer: Handler | HttpResponse;
  /** A handler of whose methods and paths nothing is known; it may be a `routes` behind middleware. */
  readonly isOpaque: boolean;
  /** Segments that `context` has taken off the path. */
  readonly prefixLength: number;
}

const ENTRIES = new WeakMap<object, readonly Entry[]>();

/** Remembers what a handler is made of, for a `routes` or `context` around it. */
export const withEntries = <R extends HttpRequest>(
  handler: OperatorFunction<R, Reply>,
  entries: readonly Entry[],
): OperatorFunction<R, Reply> => {
  ENTRIES.set(handler, entries);
  return handler;
};

/** @returns `undefined` for a handler that is no route. */
export const entriesOf = (handler: object): readonly Entry[] | undefined => ENTRIES.get(handler);
