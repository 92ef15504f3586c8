/** All exchanges of one worker thread: the counterpart of `worker-thread.ts`. */
import { map } from 'rxjs';
import { HandlerRun, type RunListener } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { extend, IncomingRequest } from '../rx/request.js';
import { WaitingRoom } from '../rx/admission/waiting-room.js';
import { MessageBatch } from './message-batch.js';
import type { PortablePiece } from './portable-bytes.js';
import { type PortableRequest, requestFrom } from './portable-request.js';
import { RemoteExchange, type RemoteHost } from './remote-exchange.js';
import { type ExchangeMessage, FromWorker, type FromWorkerMessage, ToWorker, type ToWorkerMessage } from './thread-messages.js';

/** What a host needs of its thread. */
export interface WorkerPost {
  post(batch: readonly FromWorkerMessage[], transferred: ArrayBuffer[]): void;
  /** Everything has been let go of. */
  onStopped(): void;
}

/** What has computed for so long is worth a turn of its own, which costs some µs. */
const LONG_TURN_MS = 1;

export class WorkerHost implements RemoteHost {
  readonly maxBufferedBytes: number;
  private readonly handler: Handler;
  private readonly batch: MessageBatch<FromWorkerMessage>;
  private readonly thread: WorkerPost;
  private readonly exchanges: Map<number, HostedRun>;
  /** Those that want to hear of the end of the turn. */
  private touched: RemoteExchange[];
  /** What waits for the next turn, as this one has computed for long. */
  private readonly inbox: (readonly ToWorkerMessage[])[];
  private isResting: boolean;
  /** When this turn began to work; 0 where it has not. */
  private workingSince: number;
  /** The last turn that worked did so for long. */
  private computesLong: boolean;
  private readonly onWorked: () => void;

  constructor(handler: Handler, maxBufferedBytes: number, thread: WorkerPost) {
    this.maxBufferedBytes = maxBufferedBytes;
    this.handler = handler;
    this.thread = thread;
    this.batch = new MessageBatch(
      (batch, transferred) => thread.post(batch, transferred),
      () => this.endTurn(),
    );
    this.exchanges = new Map();
    this.touched = [];
    this.inbox = [];
    this.isResting = false;
    this.workingSince = 0;
    this.computesLong = false;
    this.onWorked = () => {
      this.computesLong = performance.now() - this.workingSince >= LONG_TURN_MS;
      this.workingSince = 0;
    };
  }

  /** How many exchanges something is left of. */
  get size(): number {
    return this.exchanges.size;
  }

  take(batch: readonly ToWorkerMessage[]): void {
    if (this.isResting) this.inbox.push(batch);
    else this.work(batch);
  }

  /**
   * Rests behind what has computed for long: its reply leaves before the next request computes. A handler that computes in a promise does so
   * behind this call, so where a turn was long each request gets one of its own.
   */
  private work(batch: readonly ToWorkerMessage[]): void {
    if (this.workingSince === 0) {
      this.workingSince = performance.now();
      setImmediate(this.onWorked);
    }
    for (let done = 0; done < batch.length;) {
      if (performance.now() - this.workingSince >= LONG_TURN_MS) return this.rest(batch.slice(done));
      const message = batch[done++];
      this.obey(message);
      if (this.computesLong && message[0] === ToWorker.OPEN) return this.rest(batch.slice(done));
    }
  }

  private rest(left: readonly ToWorkerMessage[]): void {
    this.isResting = true;
    if (left.length > 0) this.inbox.unshift(left);
    this.batch.touch(); // what promises say behind this leaves first
    setImmediate(() => this.resume());
  }

  private resume(): void {
    this.isResting = false;
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      this.work(next);
      if (this.isResting) return; // work may have said so
    }
  }

  private obey(message: ToWorkerMessage): void {
    switch (message[0]) {
      case ToWorker.OPEN:
        return this.open(message[1], message[2]);
      case ToWorker.PROBE:
        this.batch.add([FromWorker.ALIVE]);
        return this.batch.flush(); // at once: at the end of the turn it could stand behind what the next batch computes
      case ToWorker.STOP:
        return this.stop();
      default:
        this.exchanges.get(message[1])?.exchange.take(message);
    }
  }

  private open(id: number, portable: PortableRequest): void {
    const { head, peer, hasBody, fields } = requestFrom(portable);
    const exchange = new RemoteExchange(id, head, peer, hasBody, this);
    const hosted = new HostedRun(exchange, (over) => this.forget(over));
    this.exchanges.set(id, hosted);
    const { handler } = this;
    hosted.start(fields === undefined ? handler : (requests$) => handler(requests$.pipe(map((request) => extend(request, fields)))));
  }

  private forget(hosted: HostedRun): void {
    const { id } = hosted.exchange;
    if (this.exchanges.delete(id)) this.batch.add([FromWorker.DONE, id]);
  }

  private stop(): void {
    for (const { exchange } of this.exchanges.values()) exchange.leave('gone');
    this.batch.flush();
    this.thread.onStopped();
  }

  // ── for the exchanges ─────────────────────────────────────────────────────────────────────────────────────────────

  add(message: ExchangeMessage): void {
    this.batch.add(message);
  }

  piece(piece: string | Uint8Array): PortablePiece {
    return this.batch.piece(piece);
  }

  touch(exchange: RemoteExchange): void {
    this.touched.push(exchange);
    this.batch.touch();
  }

  onBodyOver(exchange: RemoteExchange): void {
    this.exchanges.get(exchange.id)?.judge();
  }

  private endTurn(): void {
    const { touched } = this;
    if (touched.length === 0) return;
    this.touched = [];
    for (const exchange of touched) exchange.onTurnEnd();
  }
}

/** An exchange and the handler's run on it: over when that is, and nobody reads the body any more. */
class HostedRun implements RunListener {
  readonly exchange: RemoteExchange;
  private readonly onOver: (over: HostedRun) => void;
  private readonly run: HandlerRun;
  private hasEnded: boolean;

  constructor(exchange: RemoteExchange, onOver: (over: HostedRun) => void) {
    this.exchange = exchange;
    this.onOver = onOver;
    this.run = new HandlerRun(new IncomingRequest(exchange), EVERYBODY, this);
    this.hasEnded = false;
  }

  start(handler: Handler): void {
    this.run.start(handler);
  }

  onRunEnd(): void {
    this.hasEnded = true;
    this.judge();
  }

  judge(): void {
    if (this.hasEnded && this.exchange.body?.hasReader !== true) this.onOver(this);
  }
}

/** Who waits is counted, and limited, on the main thread. */
const EVERYBODY = new WaitingRoom(Infinity);
