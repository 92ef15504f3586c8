/** All exchanges of one worker thread: the counterpart of `worker-thread.ts`. */
import { map } from 'rxjs';
import { HandlerRun, type RunListener } from '../rx/answering/answer.js';
import type { Handler } from '../rx/handler.js';
import { extend, IncomingRequest } from '../rx/request.js';
import { WaitingRoom } from '../rx/admission/waiting-room.js';
import { MessageBatch } from './message-batch.js';
import type { PortablePiece } from './portable-bytes.js';
import { headFrom, peerFrom, type PortableRequest } from './portable-request.js';
import { RemoteExchange, type RemoteHost } from './remote-exchange.js';
import { type ExchangeMessage, FromWorker, type FromWorkerMessage, ToWorker, type ToWorkerMessage } from './thread-messages.js';

/** What a host needs of its thread. */
export interface WorkerPost {
  post(batch: readonly FromWorkerMessage[], transferred: ArrayBuffer[]): void;
  /** Everything has been let go of. */
  onStopped(): void;
}

export class WorkerHost implements RemoteHost {
  readonly maxBufferedBytes: number;
  private readonly handler: Handler;
  private readonly batch: MessageBatch<FromWorkerMessage>;
  private readonly thread: WorkerPost;
  private readonly exchanges: Map<number, HostedRun>;
  /** Those that want to hear of the end of the turn. */
  private touched: RemoteExchange[];

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
  }

  /** How many exchanges something is left of. */
  get size(): number {
    return this.exchanges.size;
  }

  take(batch: readonly ToWorkerMessage[]): void {
    for (const message of batch) {
      switch (message[0]) {
        case ToWorker.OPEN:
          this.open(message[1], message[2]);
          break;
        case ToWorker.PROBE:
          this.batch.add([FromWorker.ALIVE]);
          this.batch.flush(); // at once: at the end of the turn it could stand behind what the next batch computes
          break;
        case ToWorker.STOP:
          this.stop();
          break;
        default:
          this.exchanges.get(message[1])?.exchange.take(message);
      }
    }
  }

  private open(id: number, { head, peer, hasBody, fields }: PortableRequest): void {
    const exchange = new RemoteExchange(id, headFrom(head), peerFrom(peer), hasBody, this);
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
