/** One accepted connection as an Observable of its exchanges. */
import { Observable } from 'rxjs';
import type { WaitingRoom } from '../rx/waiting-room.js';
import type { ConnectionPort } from '../transport/contracts.js';
import { Exchange } from './exchange.js';

/** One accepted connection. */
export class Connection {
  /**
   * The requests of this connection. The next one comes when the one before it has been answered, so `concatMap` keeps
   * their order by itself. Completes when the connection has closed; never fails. Nothing is read from the socket before
   * it is subscribed; a second subscriber gets nothing. Unsubscribing takes no further request and closes the connection,
   * behind the reply that is owed.
   */
  readonly requests$: Observable<Exchange>;
  private readonly port: ConnectionPort;

  constructor(port: ConnectionPort, room: WaitingRoom) {
    this.port = port;
    let isTaken = false;
    this.requests$ = new Observable<Exchange>((subscriber) => {
      if (isTaken) return subscriber.complete();
      isTaken = true;
      port.start({
        onExchange: (exchange) => subscriber.next(new Exchange(exchange, room)),
        onClosed: () => subscriber.complete(),
      });
      return () => port.drain();
    });
  }

  get remoteAddr(): string {
    return this.port.peer.remoteAddr;
  }

  /** Closes now, whatever is being answered. */
  destroy(): void {
    this.port.destroy();
  }
}
