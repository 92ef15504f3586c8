/**
 * Replies out of a server's bytes, piece by piece as they come, RFC 9112 §4–§7.
 *
 * Owns: where a head, a chunk and a reply end. Leaves: what is made of them to its listener.
 */

/** The head of a reply. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case, duplicates joined by `, ` (`set-cookie` by LF); null prototype. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReplyListener {
  /** Of an answer, or a 1xx before it. */
  onHead(head: ReplyHead): void;
  onPiece(bytes: Buffer): void;
  onTrailers(fields: Readonly<Record<string, string>>): void;
  onEnd(): void;
  /** What came behind a 101: frames. */
  onUpgraded(bytes: Buffer): void;
}

const State = { HEAD: 0, LENGTH: 1, CHUNK_SIZE: 2, CHUNK: 3, CHUNK_END: 4, TRAILERS: 5, UNTIL_CLOSE: 6, UPGRADED: 7 } as const;
const HEAD_END = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) ([^\r\n]*)$/;

export class ReplyReader {
  private readonly listener: ReplyListener;
  /** Tells the method that the next reply answers: one to HEAD has no body. */
  private readonly nextMethod: () => string;
  private pending: Buffer;
  private state: number;
  private missing: number;

  constructor(listener: ReplyListener, nextMethod: () => string) {
    this.listener = listener;
    this.nextMethod = nextMethod;
    this.pending = Buffer.alloc(0);
    this.state = State.HEAD;
    this.missing = 0;
  }

  /** A reply has begun and is not whole, and its end is not the connection's. */
  get isInside(): boolean {
    return this.state !== State.UPGRADED && this.state !== State.UNTIL_CLOSE && (this.state !== State.HEAD || this.pending.length > 0);
  }

  /** @throws Error for bytes that are no reply. */
  push(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes]);
    while (this.step());
  }

  /** The server has ended the connection: so ends a reply without a length. */
  end(): void {
    if (this.state !== State.UNTIL_CLOSE) return;
    this.state = State.HEAD;
    this.listener.onEnd();
  }

  /** One transition; false while bytes are missing. */
  private step(): boolean {
    switch (this.state) {
      case State.HEAD:
        return this.readHead();
      case State.LENGTH:
      case State.CHUNK:
        return this.readCounted();
      case State.CHUNK_SIZE: {
        const line = this.takeUntil('\r\n');
        if (line === undefined) return false;
        if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`the server sent the chunk size ${JSON.stringify(line)}, RFC 9112 §7.1`);
        this.missing = Number.parseInt(line, 16);
        this.state = this.missing === 0 ? State.TRAILERS : State.CHUNK;
        return true;
      }
      case State.CHUNK_END:
        return this.endChunk();
      case State.TRAILERS:
        return this.readTrailers();
      case State.UPGRADED:
        return this.passOn((bytes) => this.listener.onUpgraded(bytes));
      default:
        return this.passOn((bytes) => this.listener.onPiece(bytes));
    }
  }

  private readHead(): boolean {
    const text = this.takeUntil(HEAD_END);
    if (text === undefined) return false;
    const [statusLine, ...lines] = text.split('\r\n');
    const match = STATUS_LINE.exec(statusLine);
    if (match === null) throw new Error(`the server sent ${JSON.stringify(statusLine)} for a status line, RFC 9112 §4`);
    const head = { status: Number(match[1]), reason: match[2], headers: headersFrom(lines) };
    this.listener.onHead(head);
    if (head.status === 101) this.state = State.UPGRADED;
    else if (head.status >= 200) this.expectBody(head);
    return true;
  }

  /** RFC 9112 §6.3. */
  private expectBody({ status, headers }: ReplyHead): void {
    const length = headers['content-length'];
    const coding = headers['transfer-encoding'];
    if (length !== undefined && !/^\d+$/.test(length)) {
      throw new Error(`the server sent the content-length ${JSON.stringify(length)}, RFC 9110 §8.6`);
    }
    if (coding !== undefined && (coding !== 'chunked' || length !== undefined)) {
      throw new Error(
        `the server sent transfer-encoding ${JSON.stringify(coding)}${length === undefined ? '' : ' and content-length'}, RFC 9112 §6.1`,
      );
    }
    if (this.nextMethod() === 'HEAD' || status === 204 || status === 304 || length === '0') return this.listener.onEnd();
    this.missing = length === undefined ? 0 : Number(length);
    if (coding !== undefined) this.state = State.CHUNK_SIZE;
    else this.state = length === undefined ? State.UNTIL_CLOSE : State.LENGTH;
  }

  private readCounted(): boolean {
    if (this.pending.length === 0) return false;
    const piece = this.pending.subarray(0, this.missing);
    this.pending = this.pending.subarray(piece.length);
    this.missing -= piece.length;
    const isWhole = this.missing === 0;
    const hasEnded = isWhole && this.state === State.LENGTH;
    if (isWhole) this.state = hasEnded ? State.HEAD : State.CHUNK_END;
    this.listener.onPiece(piece);
    if (hasEnded) this.listener.onEnd();
    return true;
  }

  private endChunk(): boolean {
    const rest = this.takeUntil('\r\n');
    if (rest === undefined) return false;
    if (rest !== '') throw new Error(`the server sent ${JSON.stringify(rest)} behind the data of a chunk, RFC 9112 §7.1`);
    this.state = State.CHUNK_SIZE;
    return true;
  }

  private readTrailers(): boolean {
    const isEmpty = this.pending.subarray(0, 2).toString('latin1') === '\r\n';
    const text = isEmpty ? this.takeUntil('\r\n') : this.takeUntil(HEAD_END);
    if (text === undefined) return false;
    if (text !== '') this.listener.onTrailers(headersFrom(text.split('\r\n')));
    this.state = State.HEAD;
    this.listener.onEnd();
    return true;
  }

  private passOn(take: (bytes: Buffer) => void): boolean {
    if (this.pending.length === 0) return false;
    const bytes = this.pending;
    this.pending = Buffer.alloc(0);
    take(bytes);
    return true;
  }

  private takeUntil(mark: string): string | undefined {
    const end = this.pending.indexOf(mark);
    if (end < 0) return undefined;
    const text = this.pending.toString('latin1', 0, end);
    this.pending = this.pending.subarray(end + mark.length);
    return text;
  }
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

const headersFrom = (lines: readonly string[]): Record<string, string> => {
  const headers = Object.create(null) as Record<string, string>; // Object.create is typed any
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0 || !FIELD_NAME.test(line.slice(0, colon)))
      throw new Error(`the server sent the field line ${JSON.stringify(line)}, RFC 9112 §5`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}${name === 'set-cookie' ? '\n' : ', '}${value}` : value;
  }
  return headers;
};
