/**
 * What one client sends, on its way to where it is wanted: a head, a body, frames.
 *
 * Owns: the bytes that cannot be used yet, the head in work, whether the socket is read. Leaves: framing to `protocol/`, who is in
 * work and what a head means to `connection.ts`, frames to `websocket-session.ts`.
 *
 * A head is read when the exchange before it is over, so order and bounds need no queue: what a client sends ahead waits as
 * bytes, at most `MAX_UNREAD_BYTES` and one read of them, then the socket is not read.
 */
import type { ProtocolError } from '../errors.js';
import type { RequestHead } from '../protocol/request-head.js';
import type { RequestParser } from '../protocol/request-parser.js';
import type { BodyIntake } from './body-intake.js';
import type { ConnectionHost } from './connection-host.js';
import type { ByteStream } from './contracts.js';
import { UnreadBytes } from './unread-bytes.js';

/** What a reader needs of its connection. */
export interface ReaderOwner {
  /** Bytes are of use. */
  readonly isOpen: boolean;
  /** The one that the next bytes belong to; `null` where a head is next. */
  readonly exchange: { readonly body: BodyIntake | null } | null;
  /** Once the bytes are frames. */
  readonly session: { onBytes(frames: Buffer): void } | null;
  /** A client that does not take its answers gets no further ones. */
  mayReadHead(): boolean;
  /** The first bytes of a head are in, and not the last. Told once for each head that comes in pieces. */
  onHeadBegun(): void;
  onHead(head: RequestHead): void;
  /** @param isHead - The method is HEAD, as far as is known. */
  refuse(error: ProtocolError, isHead: boolean): void;
  /** Everything that came has been used. */
  onUsedUp(): void;
  /** Something above threw what it should not have. */
  onFailed(error: unknown): void;
  /** What could be used has been used; what that made can be sent. */
  onAdvanced(): void;
}

/** Bytes that may wait while an exchange runs; beyond them the socket is not read. */
const MAX_UNREAD_BYTES = 65_536;

export class RequestReader {
  /** `advance` is on the stack: what changes now is seen by its loop. */
  isAdvancing: boolean;
  private readonly stream: ByteStream;
  private readonly host: ConnectionHost;
  private readonly owner: ReaderOwner;
  /** Only while a head is coming in pieces. */
  private parser: RequestParser | null;
  /** Its beginning has been told of: what drips in does not move its deadline. */
  private isHeadTimed: boolean;
  /** Bytes that were received and not used. While `advance` runs they are its own. */
  private unread: Buffer | null;
  private unreadFrom: number;
  /** What came behind them while they could not be used. */
  private backlog: UnreadBytes | null;
  private isPaused: boolean;

  constructor(stream: ByteStream, host: ConnectionHost, owner: ReaderOwner) {
    this.isAdvancing = false;
    this.stream = stream;
    this.host = host;
    this.owner = owner;
    this.parser = null;
    this.isHeadTimed = false;
    this.unread = null;
    this.unreadFrom = 0;
    this.backlog = null;
    this.isPaused = false;
  }

  /** Nothing waits to be used. */
  get isEmpty(): boolean {
    return this.unread === null;
  }

  /** As much waits as may. */
  get isFull(): boolean {
    return this.unread !== null && this.unread.length - this.unreadFrom >= MAX_UNREAD_BYTES;
  }

  /** The first bytes of a head are in. */
  get isInHead(): boolean {
    return this.parser !== null && this.parser.isInHead;
  }

  /** The socket is read. */
  get isReading(): boolean {
    return !this.isPaused;
  }

  setReading(reads: boolean): void {
    if (reads !== this.isPaused) return;
    this.isPaused = !reads;
    if (reads) this.stream.resume();
    else this.stream.pause();
  }

  /** Takes what was received, and uses it as far as it can be used now. */
  onBytes(bytes: Buffer): void {
    if (this.unread === null) {
      this.unread = bytes;
      this.unreadFrom = 0;
    } else {
      this.backlog ??= new UnreadBytes(this.unread.subarray(this.unreadFrom));
      this.backlog.append(bytes);
      this.unread = this.backlog.view;
      this.unreadFrom = 0;
    }
    this.advance();
  }

  advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    const { owner } = this;
    try {
      while (this.unread !== null && owner.isOpen && this.step(this.unread));
    } catch (error) {
      owner.onFailed(error);
    }
    this.isAdvancing = false;
    owner.onAdvanced();
  }

  /** Nothing more is read: what waits is of no use. */
  drop(): void {
    this.dropUnread();
    this.parser = null;
  }

  /** One head, or one run of body bytes. Returns false when nothing can be used now. */
  private step(bytes: Buffer): boolean {
    const { owner } = this;
    const { exchange, session } = owner;
    if (session !== null) {
      const frames = this.unreadFrom === 0 ? bytes : bytes.subarray(this.unreadFrom);
      this.dropUnread();
      session.onBytes(frames);
      return false;
    }
    if (exchange === null) {
      if (!owner.mayReadHead()) return false;
      this.readHead(bytes);
      return true;
    }
    const { body } = exchange;
    if (body === null || body.isOver || !body.wantsBytes) return false;
    this.use(bytes, body.feed(bytes, this.unreadFrom));
    return true;
  }

  private readHead(bytes: Buffer): void {
    const { host, owner } = this;
    const parser = this.parser ?? host.acquireParser();
    this.parser = parser;
    let used: number;
    try {
      used = parser.push(bytes, this.unreadFrom);
    } catch (error) {
      this.parser = null;
      owner.refuse(error as ProtocolError, parser.method === 'HEAD'); // parsers throw nothing else
      return;
    }
    this.use(bytes, used);
    const { head } = parser;
    if (head === null) {
      if (parser.isInHead && !this.isHeadTimed) {
        this.isHeadTimed = true;
        owner.onHeadBegun();
      }
      return;
    }
    this.parser = null;
    this.isHeadTimed = false;
    host.releaseParser(parser);
    owner.onHead(head);
  }

  private use(bytes: Buffer, to: number): void {
    this.backlog?.skip(to - this.unreadFrom);
    this.unreadFrom = to;
    if (to >= bytes.length) {
      this.dropUnread();
      this.owner.onUsedUp();
    }
  }

  private dropUnread(): void {
    this.unread = null;
    this.unreadFrom = 0;
    this.backlog = null;
  }
}
