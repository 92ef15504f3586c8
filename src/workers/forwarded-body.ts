/** A request body on its way to the thread that reads it: no more is on its way than the window holds. */
import type { Observable, Subscription } from 'rxjs';
import type { Fields } from '../protocol/request-head.js';
import { isPausable, type PausableSubscription } from '../rx/demand/pausable.js';
import type { HttpRequest } from '../rx/request.js';
import { portableError } from './portable-error.js';
import type { ThreadLine } from './thread-line.js';
import { costOf, ToWorker, WINDOW_BYTES } from './thread-messages.js';

export class ForwardedBody {
  private readonly id: number;
  private readonly line: ThreadLine;
  private readonly request: HttpRequest;
  /** Nobody else looks at the pieces. */
  private readonly isOurs: boolean;
  private subscription: Subscription | PausableSubscription | null;
  private pausable: PausableSubscription | null;
  private inFlight: number;
  private isOver: boolean;

  /** @param isOurs - The body is the connection's own, not one that middleware has made of it. */
  constructor(id: number, line: ThreadLine, request: HttpRequest, isOurs: boolean) {
    this.id = id;
    this.line = line;
    this.request = request;
    this.isOurs = isOurs;
    this.subscription = null;
    this.pausable = null;
    this.inFlight = 0;
    this.isOver = false;
  }

  /** Something reads it, in the worker. */
  read(): void {
    const body$: Observable<Uint8Array> = this.request.body$;
    const observer = {
      next: (bytes: Uint8Array) => this.send(bytes),
      error: (error: unknown) => this.end(() => this.line.add([ToWorker.BODY_ERROR, this.id, portableError(error)])),
      complete: () => {
        const trailers = { ...this.request.trailers } as Fields; // those that are there have values
        this.end(() => this.line.add([ToWorker.BODY_END, this.id, trailers]));
      },
    };
    if (!isPausable(body$)) {
      this.subscription = body$.subscribe(observer);
      return;
    }
    this.pausable = body$.subscribePausable(observer);
    this.subscription = this.pausable;
    this.pausable.resume();
  }

  onCredit(octets: number): void {
    this.inFlight -= octets;
    if (this.inFlight < WINDOW_BYTES) this.pausable?.resume();
  }

  /** Nobody reads it any more. */
  cancel(): void {
    this.isOver = true;
    this.pausable = null;
    this.subscription?.unsubscribe();
  }

  private send(bytes: Uint8Array): void {
    if (this.isOver) return;
    this.inFlight += costOf(bytes);
    this.line.add([ToWorker.BODY, this.id, this.line.bytes(bytes, this.isOurs)]);
    if (this.inFlight >= WINDOW_BYTES) this.pausable?.pause();
  }

  private end(tell: () => void): void {
    if (this.isOver) return;
    this.isOver = true;
    this.pausable = null;
    tell();
  }
}
