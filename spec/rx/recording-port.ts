/** An exchange without a connection: what is done to it is written down. */
import type { HttpKitError } from '#src/errors.js';
import type { RequestHead } from '#src/protocol/request-head.js';
import { RequestParser } from '#src/protocol/request-parser.js';
import type { Fields } from '#src/protocol/request-head.js';
import { ResponseFields, type ResponseHeaders, statusLine } from '#src/protocol/response-head.js';
import type { BodyPort, BodySink, ExchangePort, FramePort, Peer, Settlement } from '#src/transport/contracts.js';
import { HttpKitError as KitError } from '#src/errors.js';

/** Parses a head out of its lines. */
export const headFrom = (...lines: readonly string[]): RequestHead => {
  const parser = new RequestParser({ maxLine: 8_192, maxHeaders: 100, maxHeadBytes: 65_536 });
  parser.push(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), 0);
  if (parser.head === null) throw new Error('no whole head');
  return parser.head;
};

const shown = (error: unknown): string => (error instanceof KitError ? error.code : error instanceof Error ? error.message : String(error));

export class RecordingPort implements ExchangePort {
  readonly head: RequestHead;
  readonly body: RecordingBody | null;
  readonly peer: Peer;
  /** One line for each call, and for each piece. */
  readonly log: string[];
  /** Pieces that may be written until a source is asked to wait. */
  credit: number;
  isHeadSent: boolean;
  isSettled: boolean;
  endsWithInput: boolean;
  hasChannel: boolean;
  onDrain: (() => void) | null;
  onSettled: ((how: Settlement) => void) | null;
  drainingMs: number | null;
  onDraining: ((withinMs: number) => void) | null;
  endsByItself: boolean;
  /** Called with each piece, for what happens while it is written. */
  onWrite: ((piece: string) => void) | null;

  constructor(head: RequestHead = headFrom('GET / HTTP/1.1', 'host: x'), body: RecordingBody | null = null) {
    this.head = head;
    this.body = body;
    this.peer = { remoteAddr: '192.0.2.1', remotePort: 50_000, localAddr: '198.51.100.1', localPort: 80 };
    this.log = [];
    this.credit = Infinity;
    this.isHeadSent = false;
    this.isSettled = false;
    this.endsWithInput = false;
    this.hasChannel = false;
    this.onDrain = null;
    this.onSettled = null;
    this.drainingMs = null;
    this.onDraining = null;
    this.endsByItself = false;
    this.onWrite = null;
  }

  begin(status: number, headers: ResponseHeaders | undefined): void {
    statusLine(status);
    const { lines } = new ResponseFields(headers);
    this.log.push(`begin ${status}${lines === '' ? '' : ` ${lines.replaceAll('\r\n', ';')}`}`);
  }

  write(piece: string | Uint8Array): boolean {
    const text = typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1');
    this.log.push(`write ${text}`);
    this.credit--;
    this.onWrite?.(text);
    return this.credit > 0;
  }

  end(): void {
    this.log.push('end');
    this.isSettled = true;
  }

  cut(error: unknown): void {
    if (this.isSettled) return;
    this.log.push(error === undefined ? 'cut' : `cut ${shown(error)}`);
    this.isSettled = true;
  }

  report(error: unknown): void {
    this.log.push(`report ${shown(error)}`);
  }

  upgrade(): FramePort {
    throw new Error('not made for frames');
  }

  /** The client has taken so much. */
  drain(credit: number): void {
    this.credit = credit;
    this.onDrain?.();
  }

  /** The exchange ends by itself. */
  settle(how: Settlement): void {
    this.isSettled = true;
    this.onSettled?.(how);
  }
}

/** A request body that the test feeds. */
export class RecordingBody implements BodyPort {
  isUsed: boolean;
  trailers: Fields | undefined;
  readonly log: string[];
  private sink: BodySink | undefined;
  private readonly first: readonly string[];

  /** @param first - Pieces that come within `read`; `null` at their end ends the body there, too. */
  constructor(first: readonly string[] = []) {
    this.isUsed = false;
    this.trailers = undefined;
    this.log = [];
    this.sink = undefined;
    this.first = first;
  }

  read(sink: BodySink): void {
    if (this.isUsed) throw new KitError('RHK_BODY_USED');
    this.isUsed = true;
    this.log.push('read');
    this.sink = sink;
    for (const piece of this.first) this.send(piece);
  }

  pause(): void {
    this.log.push('pause');
  }

  resume(): void {
    this.log.push('resume');
  }

  cancel(): void {
    this.log.push('cancel');
    this.sink = undefined;
  }

  send(piece: string | Buffer): void {
    this.sink?.onData(typeof piece === 'string' ? Buffer.from(piece) : piece);
  }

  end(): void {
    this.sink?.onEnd();
  }

  fail(error: HttpKitError): void {
    this.sink?.onError(error);
  }
}
