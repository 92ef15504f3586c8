/** A request body as its handler's thread sees it: read on the main thread, as long as it is taken here. */
import { HttpKitError, ProtocolError } from '../errors.js';
import type { Fields } from '../protocol/request-head.js';
import type { BodyPort, BodySink } from '../transport/contracts.js';
import { bytesFrom, type PortableBytes } from './portable-bytes.js';
import { errorFrom, type PortableError } from './portable-error.js';
import { costOf, CREDIT_STEP } from './thread-messages.js';

/** What a body needs of its exchange. */
export interface RemoteBodyOwner {
  onBodyWanted(): void;
  onBodyCancelled(): void;
  onBodyTaken(octets: number): void;
  /** Nobody reads it any more. */
  onBodyOver(): void;
}

/** What came while the reader was paused: at most a window full. */
type Waiting = Buffer | { readonly trailers: Fields } | { readonly error: HttpKitError };

export class RemoteBody implements BodyPort {
  isUsed: boolean;
  trailers: Fields | undefined;
  private readonly owner: RemoteBodyOwner;
  private sink: BodySink | null;
  private isPaused: boolean;
  private isDelivering: boolean;
  private waiting: Waiting[];
  private taken: number;

  constructor(owner: RemoteBodyOwner) {
    this.isUsed = false;
    this.trailers = undefined;
    this.owner = owner;
    this.sink = null;
    this.isPaused = false;
    this.isDelivering = false;
    this.waiting = [];
    this.taken = 0;
  }

  get hasReader(): boolean {
    return this.sink !== null;
  }

  read(sink: BodySink): void {
    if (this.isUsed) throw new HttpKitError('RHK_BODY_USED');
    this.isUsed = true;
    this.sink = sink;
    this.owner.onBodyWanted();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.deliver();
  }

  cancel(): void {
    if (this.sink === null) return;
    this.release();
    this.owner.onBodyCancelled();
    this.owner.onBodyOver();
  }

  onData(bytes: PortableBytes): void {
    if (this.sink !== null) this.take(bytesFrom(bytes));
  }

  onEnd(trailers: Readonly<Fields>): void {
    if (this.sink !== null) this.take({ trailers: Object.assign(Object.create(null) as Fields, trailers) }); // Object.create is typed any
  }

  onError(error: PortableError): void {
    const made = errorFrom(error);
    if (this.sink !== null)
      this.take({ error: made instanceof HttpKitError ? made : new HttpKitError('RHK_CLIENT_GONE', undefined, { cause: made }) });
  }

  /** The client has gone: whoever still reads will not see the end. */
  fail(): void {
    const { sink } = this;
    if (sink === null) return;
    this.release();
    this.owner.onBodyOver();
    sink.onError(new ProtocolError('RHK_CLIENT_GONE'));
  }

  private take(what: Waiting): void {
    this.waiting.push(what);
    this.deliver();
  }

  private deliver(): void {
    if (this.isDelivering) return; // what resumes within is seen by the loop
    this.isDelivering = true;
    while (!this.isPaused && this.sink !== null && this.waiting.length > 0) {
      const next = this.waiting.shift() as Waiting; // not empty, see above
      const { sink } = this;
      if (next instanceof Uint8Array) {
        sink.onData(next);
        this.tell(costOf(next));
        continue;
      }
      this.release();
      this.owner.onBodyOver();
      if ('trailers' in next) {
        this.trailers = next.trailers;
        sink.onEnd();
      } else {
        sink.onError(next.error);
      }
    }
    this.isDelivering = false;
  }

  private tell(octets: number): void {
    this.taken += octets;
    if (this.taken < CREDIT_STEP || this.sink === null) return;
    this.owner.onBodyTaken(this.taken);
    this.taken = 0;
  }

  private release(): void {
    this.sink = null;
    this.waiting = [];
  }
}
