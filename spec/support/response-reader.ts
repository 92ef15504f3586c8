/**
 * Replies out of bytes, read as strictly as RFC 9112 lets a client be: anything that a lenient client would forgive is a
 * `WireError` here, so that every test that reads a reply is also a test of its framing.
 *
 * Knows nothing of the package under test and shares no code with it.
 */

/** One final reply, and the 1xx replies that came before it. */
export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Names as sent, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** What ended the body: nothing to read, its content-length, the zero chunk, or the end of the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Sizes of the chunks of a chunked body, without the last one. */
  readonly chunks: readonly number[];
  /** Statuses of the 1xx replies before this one. */
  readonly interim: readonly number[];
}

/** The server broke a rule of the wire. */
export class WireError extends Error {}

const STATUS_LINE = /^HTTP\/(1\.1) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const IMF_FIXDATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT$/;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/** Every value of a field, in order; the name is matched without regard to case. */
export const valuesOf = (response: Pick<RawResponse, 'fields'>, name: string): readonly string[] =>
  response.fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);

/** The value of a field that stands at most once. */
export const valueOf = (response: Pick<RawResponse, 'fields'>, name: string): string | undefined => {
  const values = valuesOf(response, name);
  if (values.length > 1) throw new WireError(`${name} stands ${values.length} times: ${values.join(' | ')}`);
  return values[0];
};

type Draft = { -readonly [K in keyof RawResponse]: RawResponse[K] };
type State = 'head' | 'length' | 'chunk size' | 'chunk data' | 'chunk end' | 'trailers' | 'until close';

export class ResponseReader {
  #pending: Buffer = Buffer.alloc(0);
  #state: State = 'head';
  #draft: Draft | undefined;
  #interim: number[] = [];
  #pieces: Buffer[] = [];
  #chunks: number[] = [];
  /** Bytes of the body or of the chunk that are still to come. */
  #missing = 0;

  /** Bytes that came behind the last reply taken. */
  get leftover(): Buffer {
    return this.#pending;
  }

  /** True while a reply has begun and is not whole. */
  get isInside(): boolean {
    return this.#draft !== undefined || this.#pending.length > 0 || this.#interim.length > 0;
  }

  /** What has come of the reply that is being read. */
  get progress(): string {
    const body = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    const head = this.#draft === undefined ? 'no head' : `${this.#draft.status} with ${body} bytes of body`;
    return `${head}, awaiting ${this.#state}, pending ${JSON.stringify(this.#pending.subarray(0, 300).toString('latin1'))}`;
  }

  /** The body bytes of the unfinished reply, for tests that look at a reply while it runs. */
  get bodySoFar(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Takes the body bytes that have come so far: they will not be part of the reply, once it is whole. */
  takeBody(): Buffer {
    const taken = this.bodySoFar;
    this.#pieces = [];
    return taken;
  }

  /** The unfinished reply's head, once it is there. */
  get head(): Pick<RawResponse, 'status' | 'fields'> | undefined {
    return this.#draft;
  }

  push(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  /**
   * The next final reply, or undefined while bytes are missing.
   *
   * @param method - Of the request that it answers: a reply to HEAD has no body.
   * @param ended - The server has ended the connection: completes a reply without a length, and fails an unfinished one.
   */
  take(method: string, ended: boolean): RawResponse | undefined {
    while (this.#step(method, ended)) {
      if (this.#draft === undefined || this.#state !== 'head') continue;
      const response: RawResponse = {
        ...this.#draft,
        body: this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces),
        chunks: this.#chunks,
        interim: this.#interim,
      };
      this.#draft = undefined;
      this.#interim = [];
      this.#pieces = [];
      this.#chunks = [];
      return response;
    }
    if (ended && this.isInside) throw new WireError(`the connection ended inside a reply: ${this.progress}`);
    return undefined;
  }

  /** One transition; false while bytes are missing. A finished reply is a draft in state `head`. */
  #step(method: string, ended: boolean): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead(method);
      case 'length':
      case 'chunk data': {
        if (this.#pending.length === 0 && this.#missing > 0) return false;
        this.#missing -= this.#readBody(this.#missing);
        if (this.#missing === 0) this.#state = this.#state === 'length' ? 'head' : 'chunk end';
        return true;
      }
      case 'chunk size': {
        const line = this.#readLine();
        if (line === undefined) return false;
        if (!/^[0-9a-fA-F]{1,13}$/.test(line)) throw new WireError(`bad chunk size ${JSON.stringify(line)}`);
        this.#missing = Number.parseInt(line, 16);
        if (this.#missing > 0) this.#chunks.push(this.#missing);
        this.#state = this.#missing === 0 ? 'trailers' : 'chunk data';
        return true;
      }
      case 'chunk end': {
        if (this.#pending.length < 2) return false;
        const end = this.#pending.subarray(0, 2);
        if (!end.equals(LINE_END)) throw new WireError(`chunk ends with ${JSON.stringify(end.toString('latin1'))}`);
        this.#pending = this.#pending.subarray(2);
        this.#state = 'chunk size';
        return true;
      }
      case 'trailers': {
        const line = this.#readLine();
        if (line === undefined) return false;
        if (line === '') this.#state = 'head';
        else this.#draft!.trailers = [...this.#draft!.trailers, parseField(line)];
        return true;
      }
      case 'until close': {
        this.#readBody(this.#pending.length);
        if (ended) this.#state = 'head';
        return ended;
      }
    }
  }

  #readHead(method: string): boolean {
    const end = this.#pending.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#pending.subarray(0, end).toString('latin1');
    this.#pending = this.#pending.subarray(end + 4);
    const [statusLine, ...lines] = head.split('\r\n');
    const match = STATUS_LINE.exec(statusLine);
    if (match === null) throw new WireError(`bad status line ${JSON.stringify(statusLine)}`);
    const [, version, digits, reason] = match;
    const status = Number(digits);
    const fields = lines.map(parseField);
    if (status < 200) {
      for (const name of ['content-length', 'transfer-encoding']) {
        if (valuesOf({ fields }, name).length > 0) throw new WireError(`${status} with ${name}, RFC 9110 §8.6`);
      }
      this.#interim.push(status);
      return true;
    }
    const framing = framingOf(method, status, fields);
    this.#draft = { version, status, reason, fields, body: Buffer.alloc(0), trailers: [], framing, chunks: [], interim: [] };
    this.#missing = framing === 'length' ? Number(valueOf({ fields }, 'content-length')) : 0;
    this.#state = framing === 'none' ? 'head' : framing === 'length' ? 'length' : framing === 'chunked' ? 'chunk size' : 'until close';
    return true;
  }

  #readBody(most: number): number {
    const piece = this.#pending.subarray(0, most);
    if (piece.length > 0) this.#pieces.push(piece);
    this.#pending = this.#pending.subarray(piece.length);
    return piece.length;
  }

  #readLine(): string | undefined {
    const end = this.#pending.indexOf(LINE_END);
    if (end < 0) return undefined;
    const line = this.#pending.subarray(0, end).toString('latin1');
    this.#pending = this.#pending.subarray(end + 2);
    return line;
  }
}

const parseField = (line: string): readonly [string, string] => {
  const match = FIELD_LINE.exec(line);
  if (match === null) throw new WireError(`bad field line ${JSON.stringify(line)}`);
  return [match[1], match[2]];
};

/** RFC 9112 §6.3, and what every reply of a server with a clock owes, RFC 9110 §6.6.1. */
const framingOf = (method: string, status: number, fields: RawResponse['fields']): RawResponse['framing'] => {
  const response = { fields };
  const date = valueOf(response, 'date');
  if (date === undefined || !IMF_FIXDATE.test(date)) throw new WireError(`${status} with date ${date}`);
  for (const name of ['server', 'content-type', 'connection', 'location', 'retry-after']) valueOf(response, name);
  const length = valueOf(response, 'content-length');
  const coding = valueOf(response, 'transfer-encoding');
  if (length !== undefined && coding !== undefined) throw new WireError(`${status} with two lengths, RFC 9112 §6.2`);
  if (length !== undefined && !/^(0|[1-9][0-9]{0,15})$/.test(length)) throw new WireError(`content-length is ${length}`);
  if (coding !== undefined && coding !== 'chunked') throw new WireError(`transfer-encoding is ${coding}`);
  if (coding !== undefined && (status === 204 || status === 304 || status === 205)) throw new WireError(`${status} with transfer-encoding`);
  if (status === 204 && length !== undefined) throw new WireError(`204 with content-length, RFC 9110 §8.6`);
  if (status === 205 && length !== '0') throw new WireError(`205 without content-length: 0, RFC 9110 §15.3.6`);
  if (method === 'HEAD' || status === 204 || status === 304) return 'none';
  if (coding !== undefined) return 'chunked';
  if (length !== undefined) return 'length';
  if (valueOf(response, 'connection') !== 'close') throw new WireError(`${status} without a length needs connection: close`);
  return 'close';
};
