/** A handler for tests with several replies. */
import { EMPTY, mergeMap, type Observable } from 'rxjs';
import type { Handler, Reply } from 'rx-http-kit';

/** Answers each path with the Observable of that name; the rest with a 404. */
export const byPath = (replies: Readonly<Record<string, Observable<Reply>>>): Handler => mergeMap(({ uri }) => replies[uri] ?? EMPTY);
