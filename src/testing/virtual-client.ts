/**
 * A client whose every act is a marble, and all that it receives an Observable.
 *
 * Owns: when it sends, reads and goes, and how it reads replies and frames. Leaves: the octets to the readers, the network
 * to `memory-stream.ts`.
 */
import { map, type Observable, ReplaySubject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { OptionError } from '../errors.js';
import { FrameReader, type ReceivedFrame, wordsOf } from './frame-reader.js';
import { type Frame, readingsFrom } from './marble-diagram.js';
import type { MemoryClient } from './memory-client.js';
import type { MemoryStream } from './memory-stream.js';
import { type ReplyHead, ReplyReader } from '../protocol/reply-reader.js';
import { closing, pong, type Sendable } from './sendable.js';
import { SentMethods } from './sent-methods.js';
import type { VirtualTime } from './virtual-time.js';

/** What a client does, and when. All diagrams start with the test (with the client, where one is made in the middle of it); RxJS's syntax, but for `reads`. */
export interface ClientScript {
  /** The marble at which it connects. Default: at once. */
  readonly connects?: string | undefined;
  /** What it sends: letters of `values`, or themselves as text; `|` sends FIN (it still reads), `#` RST. */
  readonly sends?: string | undefined;
  /** What the letters of `sends` stand for, a list as one piece; one that is not among them is an {@link OptionError}. */
  readonly values?: Readonly<Record<string, Sendable | readonly Sendable[]>> | undefined;
  /**
   * How many octets it takes: `'--4k---*'` nothing, then 4 KiB more, then all; `0` nothing more. Default: all, at once. What
   * the client does not take fills the server's socket.
   */
  readonly reads?: string | undefined;
  /**
   * When it goes: `|` with FIN, `#` with RST, `x` without a word: it is never heard of again and hears nothing any more, and
   * the server is not told. 64 KiB more disappear in the server's own operating system, then its writes wait.
   */
  readonly vanishes?: string | undefined;
  /** Answers pings, close frames and FIN as clients do, in the frame in which they come. Default true. */
  readonly isPolite?: boolean | undefined;
  /** The address that the server sees. Default `192.0.2.1`. */
  readonly remoteAddr?: string | undefined;
}

/** One reply as it came. */
export interface ReceivedReply extends ReplyHead {
  /** As UTF-8. */
  readonly text: string;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
}

/** How a connection ended for its client: with FIN, with RST, or the code of the WebSocket close, 1006 where there was none. */
export type ClosedBy = 'end' | 'reset' | number;

const ABNORMAL = 1006;
const NO_CODE = 1005;
/** The field alone, and not what a body or another field says. */
const DATE = /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT(?=\r\n)/g;

/** A client of a virtual server; `server.client()` makes it. */
export interface VirtualClient {
  /** All octets as latin1 text, without `date` lines: the frame tells the time. `|` is the server's FIN, `#` its RST. */
  readonly bytes$: Observable<string>;
  /** The head of each reply when it comes, 1xx included. Does not complete: `closed$` tells of the end. */
  readonly heads$: Observable<ReplyHead>;
  /** Each reply when it is complete. Does not complete itself. */
  readonly replies$: Observable<ReceivedReply>;
  /** Each frame of the server: the text of a text frame, else `binary 00ff`, `ping …`, `pong …`, `close 1000 …`. `|`, `#` as in `bytes$`. */
  readonly frames$: Observable<string>;
  /** As `frames$`, without pings and pongs: an idle client gets a ping every `heartbeatMs` until the test's horizon. */
  readonly messages$: Observable<string>;
  readonly closed$: Observable<ClosedBy>;
  /** Whether the server reads from this client's socket; tells when that changes. */
  readonly isRead$: Observable<boolean>;
  /** The pieces of one reply's body as text, as they come: `|` when the reply is complete, `#` when it is cut. 1xx do not count. */
  reply$(index?: number): Observable<string>;
}

/** One thing that a client does. */
export interface Act {
  readonly frame: number;
  readonly does: (client: ScriptedClient) => void;
}

/** The acts of a script; reading and connecting are not among them. */
export const actsFrom = ({ sends, values, vanishes }: ClientScript): readonly Act[] => [
  ...marblesIn('sends', sends).map(({ frame, notification: { kind, value } }) => {
    const data = kind === 'N' ? sendableOf(String(value), values) : '';
    return {
      frame,
      does: (client: ScriptedClient) => {
        if (kind === 'N') client.send(data);
        else if (kind === 'C') client.end();
        else client.reset();
      },
    };
  }),
  ...marblesIn('vanishes', vanishes).map(({ frame, notification: { kind, value } }) => ({
    frame: kind === 'N' ? frameOfX(frame, value) : frame,
    does: (client: ScriptedClient) => {
      if (kind === 'N') client.vanish();
      else if (kind === 'C') client.end();
      else client.reset();
    },
  })),
];

/** @throws {@link OptionError} for subscription marbles, and for what stands behind an end: it would never happen. */
const marblesIn = (option: string, diagram: string | undefined): readonly Frame[] => {
  if (diagram === undefined) return [];
  if (/[\^!]/.test(diagram)) throw new OptionError(option, `is ${JSON.stringify(diagram)}, must have no ^ and no !`);
  const marbles = TestScheduler.parseMarbles(diagram, undefined, undefined, false, true);
  const end = marbles.findIndex(({ notification }) => notification.kind !== 'N');
  if (end >= 0 && end < marbles.length - 1)
    throw new OptionError(option, `is ${JSON.stringify(diagram)}, must have nothing behind its end`);
  return marbles;
};

const frameOfX = (frame: number, letter: unknown): number => {
  if (letter !== 'x') throw new OptionError('vanishes', `has ${String(letter)}, must be |, # or x`);
  return frame;
};

/** Without `values` a letter stands for itself. */
const sendableOf = (letter: string, values: ClientScript['values']): Sendable => {
  const data = values === undefined ? letter : values[letter];
  if (data === undefined) throw new OptionError('values', `has no ${letter}, which the client sends`);
  return Array.isArray(data) ? Buffer.concat(data.map((each: Sendable) => Buffer.from(each as string))) : (data as Sendable); // not a list
};

export class ScriptedClient implements VirtualClient {
  readonly bytes$: Observable<string>;
  readonly heads$: Observable<ReplyHead>;
  readonly replies$: Observable<ReceivedReply>;
  readonly frames$: Observable<string>;
  readonly messages$: Observable<string>;
  readonly closed$: Observable<ClosedBy>;
  readonly isRead$: Observable<boolean>;
  private readonly script: ClientScript;
  private readonly time: VirtualTime;
  private readonly bytes: ReplaySubject<string>;
  private readonly heads: ReplaySubject<ReplyHead>;
  private readonly complete: ReplaySubject<ReceivedReply>;
  private readonly frames: ReplaySubject<string>;
  private readonly messages: ReplaySubject<string>;
  private readonly closed: ReplaySubject<ClosedBy>;
  private readonly reading: ReplaySubject<boolean>;
  private readonly bodies: ReplyBody[];
  private readonly reader: ReplyReader;
  private readonly frameReader: FrameReader;
  private readonly methods: SentMethods;
  private line: MemoryClient | null;
  private current: ReplyBody | null;
  private isUpgraded: boolean;
  private closeCode: number | undefined;
  private hasGone: boolean;
  private hasEnded: boolean;

  /** @param connect - Opens the connection. */
  constructor(script: ClientScript, acts: readonly Act[], time: VirtualTime, connect: () => MemoryStream) {
    this.script = script;
    this.time = time;
    this.bytes = new ReplaySubject();
    this.heads = new ReplaySubject();
    this.complete = new ReplaySubject();
    this.frames = new ReplaySubject();
    this.messages = new ReplaySubject();
    this.closed = new ReplaySubject();
    this.reading = new ReplaySubject();
    this.bodies = [];
    this.methods = new SentMethods();
    this.line = null;
    this.current = null;
    this.isUpgraded = false;
    this.closeCode = undefined;
    this.hasGone = false;
    this.hasEnded = false;
    this.bytes$ = this.bytes.asObservable();
    this.heads$ = this.heads.asObservable();
    this.replies$ = this.complete.asObservable();
    this.frames$ = this.frames.asObservable();
    this.messages$ = this.messages.asObservable();
    this.closed$ = this.closed.asObservable();
    this.isRead$ = this.reading.asObservable();
    this.frameReader = new FrameReader((frame) => this.onFrame(frame));
    this.reader = new ReplyReader(
      {
        onHead: (head) => this.onHead(head),
        onPiece: (piece) => this.current?.push(piece),
        onTrailers: (fields) => this.current?.setTrailers(fields),
        onEnd: () => this.onReplyEnd(),
        onUpgraded: (octets) => this.frameReader.push(octets),
      },
      () => this.methods.next(),
    );
    this.schedule(connect, acts);
  }

  reply$(index: number = 0): Observable<string> {
    return this.bodyAt(index).pieces$;
  }

  // ── what it does ──────────────────────────────────────────────────────────────────────────────────────────────────

  private schedule(connect: () => MemoryStream, acts: readonly Act[]): void {
    const { connects, reads } = this.script;
    const { agenda } = this.time;
    const start = connects === undefined ? 0 : frameOf('connects', connects);
    if (start === 0) this.connect(connect);
    else agenda.add(start, () => this.connect(connect));
    for (const { frame, does } of acts) agenda.add(frame, () => does(this));
    for (const { frame, octets } of reads === undefined ? [] : readingsFrom(reads)) agenda.add(frame, () => this.read(octets));
  }

  private connect(connect: () => MemoryStream): void {
    const stream = connect();
    this.line = stream.client;
    stream.on('reading', (isRead) => this.reading.next(isRead));
    stream.client.received$.subscribe({
      next: (octets) => this.onBytes(octets),
      error: () => this.onEnd('reset'),
      complete: () => this.onEnd('end'),
    });
  }

  send(data: Sendable): void {
    if (this.hasGone) return;
    const octets = Buffer.from(data as string); // one overload for each
    if (!this.isUpgraded) this.methods.push(octets);
    this.connected.send(octets);
  }

  end(): void {
    if (!this.hasGone) this.connected.end();
  }

  reset(): void {
    this.hasGone = true;
    this.connected.reset();
  }

  /** Without a word. */
  vanish(): void {
    this.hasGone = true;
    this.connected.vanish();
  }

  private read(octets: number | null): void {
    if (this.hasGone) return;
    if (octets === null) this.connected.hold();
    else this.connected.take(octets);
  }

  private get connected(): MemoryClient {
    if (this.line === null) throw new OptionError('connects', 'is later than the first thing that the client does');
    return this.line;
  }

  /** As soon as what the server does now is done. */
  private answer(action: (line: MemoryClient) => void): void {
    if (this.script.isPolite === false) return;
    this.time.scheduler.schedule(() => {
      if (!this.hasGone && this.line !== null) action(this.line);
    });
  }

  // ── what it receives ──────────────────────────────────────────────────────────────────────────────────────────────

  private onBytes(octets: string): void {
    this.bytes.next(octets.replace(DATE, ''));
    this.reader.push(Buffer.from(octets, 'latin1'));
  }

  private onHead(head: ReplyHead): void {
    this.heads.next(head);
    if (head.status === 101) this.isUpgraded = true;
    else if (head.status >= 200) this.current = this.bodyAt(this.bodies.findIndex((body) => !body.hasBegun)).begin(head);
  }

  private onReplyEnd(): void {
    const { current } = this;
    this.current = null;
    if (current !== null) this.complete.next(current.end());
  }

  private onFrame(frame: ReceivedFrame): void {
    const { kind, payload } = frame;
    this.frames.next(wordsOf(frame));
    if (kind !== 'ping' && kind !== 'pong') this.messages.next(wordsOf(frame));
    if (kind === 'ping') this.answer((line) => line.send(pong(payload)));
    if (kind !== 'close') return;
    this.closeCode = payload.length < 2 ? NO_CODE : payload.readUInt16BE();
    const code = this.closeCode;
    this.answer((line) => line.send(code === NO_CODE ? closing() : closing(code)));
  }

  private onEnd(how: 'end' | 'reset'): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (how === 'end') this.reader.end();
    const isCut = how === 'reset' || this.reader.isInside;
    for (const body of this.bodies) body.cut(isCut);
    for (const subject of [this.bytes, this.frames, this.messages]) {
      if (how === 'reset') subject.error('error');
      else subject.complete();
    }
    this.closed.next(this.isUpgraded ? (this.closeCode ?? ABNORMAL) : how);
    if (how === 'end') this.answer((line) => line.end());
  }

  /** The place of a reply that may not have begun; below 0 that of a new one. */
  private bodyAt(index: number): ReplyBody {
    const at = index < 0 ? this.bodies.length : index;
    while (this.bodies.length <= at) this.bodies.push(new ReplyBody());
    return this.bodies[at];
  }
}

/** One reply in the making. */
class ReplyBody {
  readonly pieces$: Observable<string>;
  hasBegun: boolean;
  private readonly arriving: ReplaySubject<Buffer>;
  private readonly pieces: Buffer[];
  private head: ReplyHead | undefined;
  private trailers: Readonly<Record<string, string>>;
  private hasEnded: boolean;

  constructor() {
    this.arriving = new ReplaySubject();
    this.pieces$ = this.arriving.pipe(map((piece) => piece.toString()));
    this.hasBegun = false;
    this.pieces = [];
    this.head = undefined;
    this.trailers = {};
    this.hasEnded = false;
  }

  begin(head: ReplyHead): this {
    this.hasBegun = true;
    this.head = head;
    return this;
  }

  push(piece: Buffer): void {
    this.pieces.push(piece);
    this.arriving.next(piece);
  }

  setTrailers(fields: Readonly<Record<string, string>>): void {
    this.trailers = fields;
  }

  end(): ReceivedReply {
    this.hasEnded = true;
    this.arriving.complete();
    const body = Buffer.concat(this.pieces);
    const { status, reason, headers } = this.head as ReplyHead; // begun before it ended
    return { status, reason, headers, body, text: body.toString(), trailers: this.trailers };
  }

  /** The connection has ended: what has not cannot any more. */
  cut(isCut: boolean): void {
    if (this.hasEnded) return;
    if (isCut || this.hasBegun) this.arriving.error('error');
    else this.arriving.complete();
  }
}

const frameOf = (option: string, diagram: string): number => {
  const [first] = TestScheduler.parseMarbles(diagram, undefined, undefined, false, true);
  if (first === undefined) throw new OptionError(option, `is ${JSON.stringify(diagram)}, must have one marble`);
  return first.frame;
};
