/** Handlers in one line: a path for each way to answer. */
import { defer, EMPTY, map, mergeMap, type Observable } from 'rxjs';
import type { Handler, HttpRequest, Reply } from 'rx-http-kit';
import { turns } from './raw-client.js';

export const byPath = (replies: Readonly<Record<string, (request: HttpRequest) => Observable<Reply>>>): Handler =>
  mergeMap((request) => (Object.hasOwn(replies, request.uri) ? replies[request.uri](request) : EMPTY));

/** What a caller outside of TypeScript might hand over. */
export const untyped = <T>(value: unknown): T => value as T;

/** Emits `value` two turns of the event loop after it was subscribed: what came before has left by then. */
export const soon = <T>(value: T): Observable<T> => defer(() => turns(2)).pipe(map(() => value));
