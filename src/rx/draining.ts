/** How a handler learns that the server drains: what streams without an end should end by itself, before it is cut. */
import { Observable } from 'rxjs';
import { failureFrom } from '../errors.js';
import { type HttpRequest, originOf } from './request.js';

/**
 * Emits once when the server begins to drain, with the milliseconds until what still runs is cut (Infinity where nothing will
 * be), then completes; at once for who comes late. Silent when the server stops with a timeout of 0: then all is cut.
 *
 * While somebody is subscribed on behalf of a WebSocket, it is not closed with 1001 by itself: end it in time. One that opens while the
 * server drains is closed at the end of the turn in which it opened, unless somebody has subscribed by then.
 *
 * @example `takeUntil(draining(request))`
 */
export const draining = (request: HttpRequest): Observable<number> =>
  new Observable((subscriber) =>
    whenDraining(request, (withinMs) => {
      subscriber.next(withinMs);
      subscriber.complete();
    }),
  );

/** {@link draining} without a subscription, for handlers with many clients. @returns Stops to listen. */
export const whenDraining = (request: HttpRequest, listener: (withinMs: number) => void): (() => void) => {
  const origin = originOf(request);
  if (origin === undefined) return () => {}; // no server, nothing that drains
  const { port } = origin;
  const { drainingMs } = port;
  if (drainingMs !== null) {
    if (drainingMs === 0) return () => {};
    port.endsByItself = true;
    listener(drainingMs);
    return () => {};
  }
  origin.drainListeners = origin.drainListeners.concat(listener);
  port.onDraining = (withinMs) => {
    const listeners = origin.drainListeners;
    origin.drainListeners = [];
    for (const told of listeners) {
      try {
        told(withinMs);
      } catch (error) {
        port.report(failureFrom(error)); // a finalizer threw: all other connections are to be told still
      }
    }
  };
  return () => {
    origin.drainListeners = origin.drainListeners.filter((other) => other !== listener);
    if (origin.drainListeners.length === 0) port.onDraining = null;
  };
};
