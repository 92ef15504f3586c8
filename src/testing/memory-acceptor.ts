/**
 * Where connections in memory come from. `spec/transport/contract/` holds it to what the operating system's do: all is told
 * at the end of the turn, and that nothing listens any more before the last connection says that it has closed.
 *
 * Not modelled: a backlog. Who connects is accepted within the call, in the turn that binds already.
 */
import type { Acceptor, AcceptorListener, Clock } from '../transport/contracts.js';
import { MemoryStream, type MemoryStreamOptions } from './memory-stream.js';

/** A port to listen on, and the way to connect to it. */
export class MemoryAcceptor implements Acceptor {
  isOpen: boolean;
  /** Connections that have not told that they are closed. */
  readonly streams: Set<MemoryStream>;
  private readonly clock: Clock;
  private readonly bindError: Error | undefined;
  private readonly maxConnections: number;
  private listener: AcceptorListener | undefined;
  /** Connected before the port was opened for the first time. */
  private early: MemoryStream[] | null;
  private isClosing: boolean;

  /**
   * @param bindError - What binding fails with, where it is to fail.
   * @param maxConnections - That may be open; one more is refused.
   */
  constructor(clock: Clock, bindError?: Error, maxConnections: number = Infinity) {
    this.isOpen = false;
    this.streams = new Set();
    this.clock = clock;
    this.bindError = bindError;
    this.maxConnections = maxConnections;
    this.listener = undefined;
    this.early = [];
    this.isClosing = false;
  }

  open(listener: AcceptorListener): void {
    const early = this.early ?? [];
    this.listener = listener;
    this.early = null;
    this.clock.endOfTurn(() => {
      if (this.bindError !== undefined) {
        this.listener = undefined; // nothing else follows
        for (const stream of early) stream.resetAndDestroy();
        listener.onError(this.bindError);
        return;
      }
      if (this.isClosing) {
        for (const stream of early) stream.resetAndDestroy();
        return;
      }
      this.isOpen = true;
      listener.onListening({ ip: '198.51.100.1', port: 80, path: undefined });
      for (const stream of early) this.accept(stream);
    });
  }

  close(): void {
    this.isClosing = true;
    this.isOpen = false;
    this.tellIfClosed();
  }

  /** A client connects: at once; before the port is opened for the first time, as soon as it is. Refused it is reset. */
  connect(options?: MemoryStreamOptions): MemoryStream {
    const stream = new MemoryStream(this.clock, options);
    if (this.early === null) this.accept(stream);
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

  private accept(stream: MemoryStream): void {
    const { listener } = this;
    if (listener === undefined || this.isClosing || this.bindError !== undefined) {
      stream.resetAndDestroy();
      return;
    }
    if (this.openStreams >= this.maxConnections) {
      stream.resetAndDestroy();
      listener.onRefused();
      return;
    }
    this.streams.add(stream);
    stream.onDestroyed = () => this.tellIfClosed();
    stream.on('close', () => this.streams.delete(stream));
    listener.onConnection(stream);
  }

  private get openStreams(): number {
    let count = 0;
    for (const stream of this.streams) if (!stream.destroyed) count++;
    return count;
  }

  private tellIfClosed(): void {
    if (!this.isClosing || this.openStreams > 0) return;
    this.clock.endOfTurn(() => {
      if (this.openStreams > 0) return;
      const { listener } = this;
      this.listener = undefined;
      listener?.onClosed();
    });
  }
}
