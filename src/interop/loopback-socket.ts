/**
 * One connection to a server of Node.js's own, in memory: what that server sees of a client.
 *
 * Owns: the request's bytes, and demand in both directions. Leaves: reading the reply to `protocol/reply-reader.ts`.
 */
import { Duplex } from 'node:stream';
import { type HttpRequest, originOf } from '../rx/request.js';
import type { Cancel } from '../transport/contracts.js';
import { systemClock } from '../transport/system-clock.js';
import { type Demand, demandFor, hasBody } from './demand.js';

export interface LoopbackListener {
  onBytes(bytes: Buffer): void;
  /** The client's body cannot be had: too large, malformed, not whole. The connection is closed behind this. */
  onBodyError(error: unknown): void;
  /** That server has closed the connection, or has been told that the client has. */
  onClosed(): void;
}

/** Of the connection that the client has with us; `host` and framing are said anew. */
const REPLACED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export class LoopbackSocket extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly encrypted: boolean;
  private readonly request: HttpRequest;
  private readonly listener: LoopbackListener;
  private readonly isChunked: boolean;
  private readonly hasBody: boolean;
  private demand: Demand | null;
  private isReplyPaused: boolean;
  /** The write that waits for the client to take more. */
  private waiting: (() => void) | null;
  /** Milliseconds without a byte in either direction after which the application wants to be told; 0 for never. */
  private idleMs: number;
  private stopIdling: Cancel;

  constructor(request: HttpRequest, listener: LoopbackListener) {
    super({ allowHalfOpen: true });
    const peer = originOf(request)?.port.peer;
    this.remoteAddress = request.remoteAddr;
    this.remotePort = peer?.remotePort;
    this.localAddress = peer?.localAddr;
    this.localPort = peer?.localPort;
    this.encrypted = request.scheme === 'https';
    this.request = request;
    this.listener = listener;
    this.hasBody = hasBody(request);
    this.isChunked = request.contentLength === undefined || request.body$ !== originOf(request)?.body$; // another's has a length of its own
    this.demand = null;
    this.isReplyPaused = false;
    this.waiting = null;
    this.idleMs = 0;
    this.stopIdling = () => {};
  }

  sendHead(): void {
    const { method, uri, queryString, headers, serverName, serverPort } = this.request;
    let text = `${method} ${uri}${queryString === undefined ? '' : `?${queryString}`} HTTP/1.1\r\n`;
    text += `host: ${headers['host'] ?? `${serverName}:${serverPort}`}\r\n`;
    for (const [name, value] of Object.entries(headers)) if (!REPLACED.has(name)) text += `${name}: ${value}\r\n`;
    if (this.hasBody) text += this.isChunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${this.request.contentLength}\r\n`;
    this.push(Buffer.from(`${text}\r\n`, 'latin1'));
  }

  /** Somebody reads the body. */
  sendBody(): void {
    if (!this.hasBody || this.demand !== null || this.destroyed) return;
    this.demand = demandFor(this.request.body$, {
      next: (bytes) => this.sendPiece(bytes),
      error: (error: unknown) => {
        this.listener.onBodyError(error);
        this.destroy();
      },
      complete: () => this.sendEnd(),
    });
    this.demand.resume();
  }

  pauseReplies(): void {
    this.isReplyPaused = true;
  }

  resumeReplies(): void {
    this.isReplyPaused = false;
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }

  override _read(): void {
    this.demand?.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.startIdling();
    this.listener.onBytes(bytes);
    if (this.isReplyPaused && !this.destroyed) this.waiting = done;
    else done();
  }

  override _final(done: () => void): void {
    done();
    this.destroy(); // all that there was has been said
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.demand?.unsubscribe();
    this.waiting = null;
    this.stopIdling();
    done(error);
    this.listener.onClosed();
  }

  // ── what Node.js's server asks of a socket besides ────────────────────────────────────────────────────────────────

  /** As of any socket: `timeout` is told, and what becomes of it is up to whoever asked. */
  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    this.idleMs = milliseconds;
    if (onTimeout !== undefined) this.once('timeout', onTimeout);
    this.startIdling();
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.end();
  }

  private startIdling(): void {
    this.stopIdling();
    if (this.idleMs > 0 && !this.destroyed) this.stopIdling = systemClock.after(this.idleMs, () => this.emit('timeout'));
  }

  private sendPiece(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.startIdling();
    if (this.isChunked) this.push(`${bytes.length.toString(16)}\r\n`);
    const takesMore = this.push(bytes);
    if (this.isChunked) this.push('\r\n');
    if (!takesMore) this.demand?.pause();
  }

  private sendEnd(): void {
    if (!this.isChunked) return;
    const trailers = Object.entries(this.request.trailers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.push(Buffer.from(`0\r\n${trailers.join('')}\r\n`, 'latin1'));
  }
}
