/** Where connections in memory come from. */
import type { Acceptor, AcceptorListener, Clock } from '../transport/contracts.js';
import { MemoryStream, type MemoryStreamOptions } from './memory-stream.js';

/** A port to listen on, and the way to connect to it. */
export class MemoryAcceptor implements Acceptor {
  isOpen: boolean;
  /** Connections that have not closed. */
  readonly streams: Set<MemoryStream>;
  private readonly clock: Clock;
  private readonly bindError: Error | undefined;
  private listener: AcceptorListener | undefined;
  /** Connected before the port was opened for the first time. */
  private early: MemoryStream[] | null;

  /** @param bindError - What binding fails with, where it is to fail. */
  constructor(clock: Clock, bindError?: Error) {
    this.isOpen = false;
    this.streams = new Set();
    this.clock = clock;
    this.bindError = bindError;
    this.listener = undefined;
    this.early = [];
  }

  open(listener: AcceptorListener): void {
    const early = this.early ?? [];
    this.listener = listener;
    this.early = null;
    this.clock.endOfTurn(() => {
      if (this.bindError !== undefined) {
        listener.onError(this.bindError);
        return;
      }
      this.isOpen = true;
      listener.onListening({ ip: '198.51.100.1', port: 80, path: undefined });
      for (const stream of early) listener.onConnection(stream);
    });
  }

  close(): void {
    this.isOpen = false;
    this.clock.endOfTurn(() => this.closeIfEmpty());
  }

  /** A client connects: at once, even in the turn in which the port was closed; before the port is open, as soon as it is. */
  connect(options?: MemoryStreamOptions): MemoryStream {
    const stream = new MemoryStream(this.clock, options);
    this.streams.add(stream);
    stream.on('close', () => {
      this.streams.delete(stream);
      if (!this.isOpen) this.closeIfEmpty();
    });
    if (this.early === null) this.listener?.onConnection(stream);
    else this.early.push(stream);
    return stream;
  }

  /** As the operating system refuses one connection too many. */
  refuse(): void {
    this.listener?.onRefused();
  }

  /** As the operating system fails to accept. */
  fail(error: Error): void {
    this.listener?.onError(error);
  }

  private closeIfEmpty(): void {
    if (this.streams.size > 0) return;
    this.listener?.onClosed();
    this.listener = undefined;
  }
}
