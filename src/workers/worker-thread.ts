/**
 * One thread, from the main thread's side: its exchanges by number, its death, and whether it still answers.
 *
 * Owns: the numbers, the batch of what is said in one turn, how a thread is told to end and made to. Leaves: what the messages mean
 * to `forwarded-exchange.ts`, replacing it to `worker-pool.ts`.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, type ResourceLimits, SHARE_ENV, Worker } from 'node:worker_threads';
import { HandlerError, messageOf, OverloadError } from '../errors.js';
import type { Cancel, Clock } from '../transport/contracts.js';
import type { ForwardedExchange } from './forwarded-exchange.js';
import { MessageBatch } from './message-batch.js';
import type { PortableBytes, PortablePiece } from './portable-bytes.js';
import { errorFrom } from './portable-error.js';
import type { ThreadLine } from './thread-line.js';
import { FromWorker, type FromWorkerMessage, ToWorker, type ToWorkerMessage } from './thread-messages.js';
import type { WorkerBirth, WorkerTask } from './worker-name.js';
import type { PoolThread, PoolThreadListener } from './worker-pool.js';

export interface WorkerThreadOptions {
  readonly task: WorkerTask;
  /** Infinity for none. */
  readonly computeTimeoutMs: number;
  /** Infinity for none. */
  readonly startTimeoutMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
  /** The process may not end before the thread is ready. */
  readonly isAwaited: boolean;
}

/** A thread that is told to end has so long to run its finalizers; one that computes is ended then. */
const GOODBYE_MS = 1_000;

export class WorkerThread implements PoolThread<ForwardedExchange>, ThreadLine {
  private readonly options: WorkerThreadOptions;
  private readonly clock: Clock;
  private readonly listener: PoolThreadListener;
  private readonly worker: Worker;
  /** A channel of our own: `parentPort` is the application's. */
  private readonly port: MessagePort;
  private readonly batch: MessageBatch<ToWorkerMessage>;
  private readonly exchanges: Map<number, ForwardedExchange>;
  /** Those that it has said nothing about, in the order of their coming. */
  private readonly unanswered: Set<ForwardedExchange>;
  private lastId: number;
  /** Exchanges that were told something since the last probe, in the order of the last word. */
  private told: Set<number>;
  /** What `told` was when the probe that is out was sent. */
  private suspects: ReadonlySet<number>;
  private isDead: boolean;
  private isStopping: boolean;
  private lastError: unknown;
  /** It was asked whether it is there, and has not answered. */
  private isProbed: boolean;
  /** It was told something since. */
  private wasTold: boolean;
  private cancelTimer: Cancel;
  private cancelStart: Cancel;

  constructor(options: WorkerThreadOptions, clock: Clock, listener: PoolThreadListener) {
    const { task, startTimeoutMs, resourceLimits, isAwaited } = options;
    this.options = options;
    this.clock = clock;
    this.listener = listener;
    const { port1: port, port2 } = new MessageChannel();
    const birth: WorkerBirth = { task, port: port2 };
    this.port = port;
    this.worker = new Worker(new URL('./worker-main.js', import.meta.url), {
      name: task.name,
      workerData: { rxHttpKit: birth },
      transferList: [port2],
      env: SHARE_ENV,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    this.batch = new MessageBatch((batch, transferred) => this.post(batch, transferred));
    this.exchanges = new Map();
    this.unanswered = new Set();
    this.lastId = 0;
    this.told = new Set();
    this.suspects = new Set();
    this.isDead = false;
    this.isStopping = false;
    this.lastError = undefined;
    this.isProbed = false;
    this.wasTold = false;
    this.cancelTimer = () => {};
    this.cancelStart = startTimeoutMs === Infinity ? () => {} : clock.after(startTimeoutMs, () => this.onLate());
    port.on('message', (batch: readonly FromWorkerMessage[]) => this.take(batch));
    port.unref(); // whether the process lives is said by the worker itself
    this.worker.on('error', (error) => (this.lastError = error));
    this.worker.on('exit', (code) => this.onExit(code));
    if (!isAwaited) this.worker.unref();
  }

  get inWork(): number {
    return this.unanswered.size;
  }

  get held(): number {
    return this.exchanges.size;
  }

  give(exchange: ForwardedExchange): void {
    const id = ++this.lastId;
    this.exchanges.set(id, exchange);
    this.unanswered.add(exchange);
    try {
      exchange.give(id, this);
    } catch (error) {
      this.exchanges.delete(id);
      this.unanswered.delete(exchange);
      exchange.fail(error); // something that middleware added fails when it is read
    }
  }

  /** Behind all that it was told, it lets go of what it holds and ends; if it does not, it is ended. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.cancelStart();
    this.cancelTimer();
    this.worker.ref();
    this.add([ToWorker.STOP]);
    this.batch.flush();
    this.cancelTimer = this.clock.after(GOODBYE_MS, () => void this.worker.terminate());
  }

  // ── what it is told ───────────────────────────────────────────────────────────────────────────────────────────────

  add(message: ToWorkerMessage): void {
    this.batch.add(message);
    if (message.length > 1 && this.options.computeTimeoutMs !== Infinity) {
      const id = message[1] as number; // the number of an exchange, where there is more than a kind
      this.told.delete(id);
      this.told.add(id);
    }
    this.probe();
  }

  bytes(bytes: Uint8Array, isOurs: boolean): PortableBytes {
    return this.batch.bytes(bytes, isOurs);
  }

  piece(piece: string | Uint8Array): PortablePiece {
    return this.batch.piece(piece);
  }

  private post(batch: readonly ToWorkerMessage[], transferred: ArrayBuffer[]): void {
    if (this.isDead) return;
    try {
      this.port.postMessage(batch, transferred);
    } catch (cause) {
      this.die(new HandlerError('RHK_THREAD_DIED', `thread ${this.options.task.name} could not be told: ${messageOf(cause)}`, { cause }));
      void this.worker.terminate();
    }
  }

  // ── what it says ──────────────────────────────────────────────────────────────────────────────────────────────────

  private take(batch: readonly FromWorkerMessage[]): void {
    this.refill(batch);
    for (const message of batch) {
      switch (message[0]) {
        case FromWorker.READY:
          this.cancelStart();
          if (!this.isStopping) this.worker.unref(); // who stops it waits for its end
          this.listener.onReady();
          break;
        case FromWorker.UNFIT:
          this.refuse(errorFrom(message[1]));
          break;
        case FromWorker.ALIVE:
          this.onAlive();
          break;
        default:
          this.tell(message);
      }
    }
  }

  /** What waits for this thread leaves before anything else is done with its replies: it is idle until then. */
  private refill(batch: readonly FromWorkerMessage[]): void {
    const before = this.unanswered.size;
    if (before === 0) return;
    for (const message of batch) {
      if (!ANSWERS.has(message[0])) continue;
      const exchange = this.exchanges.get(message[1] as number); // the number of an exchange, in all of these
      if (exchange !== undefined) this.unanswered.delete(exchange);
    }
    const left = this.unanswered.size;
    if (left === before) return;
    this.listener.onFree();
    if (this.unanswered.size > left) this.batch.flush();
  }

  private tell(message: Exclude<FromWorkerMessage, readonly [number] | readonly [typeof FromWorker.UNFIT, unknown]>): void {
    const exchange = this.exchanges.get(message[1]);
    if (exchange === undefined) {
      if (message[0] === FromWorker.REPORT) this.listener.onReport(errorFrom(message[2])); // what was let go of failed later
      return;
    }
    if (message[0] === FromWorker.DONE) this.exchanges.delete(message[1]);
    exchange.take(message);
  }

  private onLate(): void {
    const { startTimeoutMs, task } = this.options;
    this.refuse(new Error(`${task.name} was not ready within ${startTimeoutMs} ms (startTimeoutMs)`));
  }

  /** The module cannot serve. */
  private refuse(cause: unknown): void {
    const isOurs = cause instanceof HandlerError && cause.code === 'RHK_MODULE_FAILED';
    const message = `${this.options.task.url} cannot serve: ${messageOf(cause)}`;
    this.die(new HandlerError('RHK_MODULE_FAILED', message, isOurs ? undefined : { cause }));
    void this.worker.terminate();
  }

  // ── whether it is there ───────────────────────────────────────────────────────────────────────────────────────────

  /** Behind what it is to do: so the answer says that it has been done, and the event loop is free. */
  private probe(): void {
    const { computeTimeoutMs } = this.options;
    if (computeTimeoutMs === Infinity || this.isStopping || this.isDead) return;
    this.wasTold = true;
    if (this.isProbed) return;
    this.wasTold = false;
    this.isProbed = true;
    this.suspects = this.told;
    this.told = new Set();
    this.cancelTimer();
    this.batch.add([ToWorker.PROBE]);
    this.cancelTimer = this.clock.after(computeTimeoutMs, () => this.clock.nextTurn(() => this.onSilence())); // the answer may have come while nobody looked here
  }

  private onAlive(): void {
    this.isProbed = false;
    this.cancelTimer();
    if (this.isStopping || this.isDead) return;
    if (this.wasTold) return this.probe();
    if (this.exchanges.size > 0) this.cancelTimer = this.clock.after(this.options.computeTimeoutMs, () => this.probe());
  }

  private onSilence(): void {
    if (!this.isProbed || this.isDead || this.isStopping) return;
    const { computeTimeoutMs, task } = this.options;
    const silence = `${task.name} did not look up for ${computeTimeoutMs} ms (computeTimeoutMs)`;
    const id = this.culprit();
    const culprit = this.exchanges.get(id);
    this.exchanges.delete(id);
    culprit?.fail(new OverloadError('RHK_COMPUTE_TIMEOUT', silence));
    this.die(new HandlerError('RHK_THREAD_DIED', `thread ${task.name} was ended: ${silence}`));
    void this.worker.terminate();
  }

  /**
   * Of those that were told something before the probe that has no answer: the last that owes its reply, or else the last. A
   * stream that was told of its client's credit at the same time is the less likely one.
   */
  private culprit(): number {
    const held = [...this.suspects].reverse().filter((id) => this.exchanges.has(id));
    return held.find((id) => this.unanswered.has(this.exchanges.get(id) as ForwardedExchange)) ?? held[0] ?? NONE; // held, see above
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private onExit(code: number): void {
    const { name } = this.options.task;
    for (let last = this.lastWord(); last !== undefined; last = this.lastWord()) this.take(last);
    this.port.close();
    const why = this.lastError === undefined ? `exit code ${code}` : messageOf(this.lastError);
    const options = this.lastError === undefined ? undefined : { cause: this.lastError };
    this.die(new HandlerError('RHK_THREAD_DIED', `thread ${name} has ended: ${why}`, options));
    this.cancelTimer();
    this.listener.onExit();
  }

  /** What it said before it ended, and is still on its way. */
  private lastWord(): readonly FromWorkerMessage[] | undefined {
    return (receiveMessageOnPort(this.port) as { readonly message: readonly FromWorkerMessage[] } | undefined)?.message; // typed any
  }

  /** All that it held is lost. */
  private die(error: HandlerError): void {
    if (this.isDead) return;
    this.isDead = true;
    this.cancelStart();
    if (!this.isStopping) this.cancelTimer();
    const lost = [...this.exchanges.values()];
    this.exchanges.clear();
    this.unanswered.clear();
    for (const exchange of lost) {
      exchange.fail(new HandlerError('RHK_THREAD_DIED', `the thread that answered has ended: ${error.message}`, { cause: error }));
    }
    if (!this.isStopping) this.listener.onEnd(error);
  }
}

/** No exchange has this number. */
const NONE = -1;

/** What says something about a reply. */
const ANSWERS = new Set<number>([FromWorker.REPLY, FromWorker.BEGIN, FromWorker.UPGRADE, FromWorker.CUT, FromWorker.DONE]);
