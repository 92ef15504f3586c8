/**
 * Processes of `node:cluster`: the port belongs to this process, which hands each connection to the next of those that listen.
 *
 * So a process that stops listening loses nobody: what was on its way to it is handed to another one.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Departure, ProcessHost, ProcessListener, ProcessPort } from './contracts.js';
import { isOurs, type Order, type PlainEvent, type Report } from './messages.js';
import { errorFrom } from './plain-error.js';
import { rescueConnections } from './rescue-connections.js';

export interface ClusterOptions {
  /** The program of each process: it takes orders and gives reports. */
  readonly program: string;
  /** The module that it is to serve. */
  readonly module: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Told to every process, for what is per process. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onEvent: (event: PlainEvent) => void;
}

export class ClusterHost implements ProcessHost {
  private readonly options: ClusterOptions;
  private readonly members: Set<Member>;
  private isWatched: boolean;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.members = new Set();
    this.isWatched = false;
  }

  spawn(index: number, listener: ProcessListener): ProcessPort {
    const { program, module, options, environment } = this.options;
    // The settings of cluster are one for all: set at each fork, so that an application may use it as well.
    cluster.setupPrimary({ exec: program, args: [module], serialization: 'advanced', silent: false });
    const worker = cluster.fork({ ...environment, RX_HTTP_KIT_PROCESS: String(index) });
    const member = new Member(worker, listener, {
      onHere: () => {
        member.order({ kit: 'start', module, options });
        if (this.isWatched) member.order({ kit: 'watch', isWatched: true });
      },
      onEvent: (event) => this.options.onEvent(event),
      onGone: () => this.members.delete(member),
    });
    this.members.add(member);
    rescueConnections(worker, () => [...this.members].some((other) => other !== member && other.isListening));
    return member;
  }

  /** Whether processes are to tell their events. */
  watch(isWatched: boolean): void {
    this.isWatched = isWatched;
    for (const member of this.members) member.order({ kit: 'watch', isWatched });
  }
}

interface MemberHost {
  onHere(): void;
  onEvent(event: PlainEvent): void;
  onGone(): void;
}

class Member implements ProcessPort {
  private readonly worker: Worker;
  private readonly listener: ProcessListener;
  private readonly host: MemberHost;
  /** It hears orders. */
  private isHere: boolean;
  /** It takes connections. */
  isListening: boolean;
  private isGone: boolean;

  constructor(worker: Worker, listener: ProcessListener, host: MemberHost) {
    this.worker = worker;
    this.listener = listener;
    this.host = host;
    this.isHere = false;
    this.isListening = false;
    this.isGone = false;
    worker.on('message', (message: unknown) => {
      if (isOurs(message)) this.onReport(message as Report); // what a process says
    });
    worker.on('exit', (code: number | null, signal: string | null) => this.onEnd(code, signal));
    worker.on('error', (error) => {
      if (worker.process.pid !== undefined) return; // a message that could not be sent: `exit` tells the rest
      listener.onFailed(error);
      this.onEnd(null, null);
    });
  }

  get pid(): number {
    return this.worker.process.pid ?? 0;
  }

  order(order: Order): void {
    if (this.worker.isConnected()) this.worker.send(order, () => {}); // one that has just ended hears nothing
  }

  stop(departure: Departure): void {
    this.isListening = false;
    if (this.isHere) this.order({ kit: 'stop', ...departure });
    else this.kill(); // it has nothing in work yet
  }

  kill(): void {
    this.worker.process.kill('SIGKILL');
  }

  private onReport(report: Report): void {
    switch (report.kit) {
      case 'here':
        this.isHere = true;
        return this.host.onHere();
      case 'ready':
        this.isListening = true;
        return this.listener.onReady(report);
      case 'failed':
        this.listener.onFailed(errorFrom(report.error));
        return this.order({ kit: 'exit' });
      case 'event':
        return this.host.onEvent(report);
      case 'stopped':
        return this.order({ kit: 'exit' });
      case 'bye':
        return;
    }
  }

  private onEnd(code: number | null, signal: string | null): void {
    if (this.isGone) return;
    this.isGone = true;
    this.isListening = false;
    this.host.onGone();
    this.listener.onExit(code, signal);
  }
}
