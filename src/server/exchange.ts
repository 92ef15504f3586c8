/** One request and the place where its reply goes. */
import { defer, EMPTY, type Observable } from 'rxjs';
import { answer } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { type HttpRequest, IncomingRequest } from '../rx/request.js';
import type { WaitingRoom } from '../rx/admission/waiting-room.js';
import type { ExchangePort } from '../transport/contracts.js';

/** One request and the place where its reply goes. */
export interface Exchange {
  readonly request: HttpRequest;
  /**
   * Runs the handler on the request, and sends what it makes of it.
   *
   * @returns Completes when the reply is complete or the client has gone; emits nothing and never fails, as an error of the
   *   handler ends in a reply and an event. Unsubscribing before that closes the connection.
   *   A request is answered once: a second subscription completes at once.
   */
  answer(handler: Handler): Observable<never>;
}

export class PortExchange implements Exchange {
  readonly request: IncomingRequest;
  private readonly room: WaitingRoom;
  private isTaken: boolean;

  constructor(port: ExchangePort, room: WaitingRoom) {
    this.request = new IncomingRequest(port);
    this.room = room;
    this.isTaken = false;
  }

  answer(handler: Handler): Observable<never> {
    return defer(() => {
      if (this.isTaken) return EMPTY;
      this.isTaken = true;
      return answer(this.request, handler, this.room);
    });
  }
}
