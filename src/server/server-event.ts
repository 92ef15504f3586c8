/** What a server tells those who watch it. */
import { type Observable, Subject } from 'rxjs';
import { messageOf, OverloadError, ProtocolError } from '../errors.js';
import type { WireFault } from '../transport/contracts.js';

/** `client`: a peer broke a rule or a limit. `overload`: work was refused by design. `failure`: something is wrong here. */
export type ServerEventType = 'client' | 'overload' | 'failure';

export interface ServerEvent {
  readonly type: ServerEventType;
  /** Its `cause` is what the application threw, where it did. */
  readonly error: Error;
  /** Of the request that it befell; `undefined` where none was complete. */
  readonly method: string | undefined;
  readonly uri: string | undefined;
  /** `undefined` where no connection was involved, or it has closed. */
  readonly remoteAddr: string | undefined;
}

export const eventFrom = ({ error, peer, head }: WireFault): ServerEvent => ({
  type: typeOf(error),
  error: error instanceof Error ? error : new Error(`not an error was thrown: ${messageOf(error)}`, { cause: error }),
  method: head?.method,
  uri: head?.uri,
  remoteAddr: peer?.remoteAddr,
});

const typeOf = (error: unknown): ServerEventType => {
  if (error instanceof ProtocolError) return 'client';
  return error instanceof OverloadError ? 'overload' : 'failure';
};

/** One line, for a console that nobody watches on purpose. */
export const lineFrom = ({ error, method, uri }: ServerEvent): string => {
  const where = method === undefined ? '' : ` (${method} ${uri})`;
  const cause = error.cause instanceof Error ? (error.cause.stack ?? '').split('\n').slice(1, 2).join('').trim() : '';
  return `rx-http-kit: ${error.message}${where}${cause === '' ? '' : ` ${cause}`}`.replaceAll('\n', ' ');
};

/** For a server that nobody watches: an unexpected error is one line on the console. */
export const printUnwatched = (event: ServerEvent): void => {
  if (event.type === 'failure') console.error(lineFrom(event));
};

/** Events for those who watch, a line on the console where nobody does. */
export class ServerEvents {
  readonly events$: Observable<ServerEvent>;
  private readonly subject: Subject<ServerEvent>;

  constructor() {
    this.subject = new Subject();
    this.events$ = this.subject.asObservable();
  }

  emit(event: ServerEvent): void {
    if (this.subject.observed) this.subject.next(event);
    else printUnwatched(event);
  }

  complete(): void {
    this.subject.complete();
  }
}
