/** One accepted connection as an Observable of its exchanges. */
import { Observable } from 'rxjs';
import type { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { ConnectionPort } from '../transport/contracts.js';
import { type Exchange, PortExchange } from './exchange.js';

/** One accepted connection. */
export interface Connection {
  /** The address of the peer; empty on a Unix socket. */
  readonly remoteAddr: string;
  /**
   * The requests of this connection. The next one comes when the one before it has been answered, so `concatMap` keeps
   * their order by itself. Completes when the connection has closed; never fails. Nothing is read from the socket before
   * it is subscribed; a second subscriber gets nothing. Unsubscribing takes no further request and closes the connection,
   * behind the reply that is owed.
   */
  readonly requests$: Observable<Exchange>;
  /** Closes now, whatever is being answered. */
  destroy(): void;
}

export class PortConnection implements Connection {
  readonly port: ConnectionPort;
  readonly room: WaitingRoom;
  private isTaken: boolean;

  constructor(port: ConnectionPort, room: WaitingRoom) {
    this.port = port;
    this.room = room;
    this.isTaken = false;
  }

  get remoteAddr(): string {
    return this.port.peer.remoteAddr;
  }

  get requests$(): Observable<Exchange> {
    return new Observable<Exchange>((subscriber) => {
      if (this.isTaken) return subscriber.complete();
      this.isTaken = true;
      this.port.start({
        onExchange: (exchange) => subscriber.next(new PortExchange(exchange, this.room)),
        onClosed: () => subscriber.complete(),
      });
      return () => this.port.drain(0);
    });
  }

  destroy(): void {
    this.port.destroy();
  }
}
