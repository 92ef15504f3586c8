/** Request bodies as a whole. */
import { concatMap, Observable, type OperatorFunction } from 'rxjs';
import type { HttpRequest } from './request.js';

/**
 * Each request's body as one Buffer; an empty one where there is none.
 *
 * Holds at most `maxBody` octets, past it fails with 413. Fails with what {@link HttpRequest.body$} fails with.
 */
export const asBytes = (): OperatorFunction<HttpRequest, Buffer> => concatMap(bytesOf);

/** The body of one request, read when subscribed. */
export const bytesOf = ({ body$ }: HttpRequest): Observable<Buffer> =>
  new Observable((subscriber) => {
    const chunks: Buffer[] = [];
    subscriber.add(
      body$.subscribe({
        next: (chunk) => void chunks.push(chunk),
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          subscriber.next(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
          subscriber.complete();
        },
      }),
    );
  });
