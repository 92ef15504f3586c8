/**
 * A WebSocket client that sends exactly the frames it is told to, legal or not, and reads those of the server strictly:
 * a reserved bit, a masked frame, a length that is not the shortest, or a byte behind the close frame fails the test.
 *
 * Knows nothing of the package under test and shares no code with it.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { inflateRawSync } from 'node:zlib';
import { turns, type Ending, type Target } from './raw-client.js';
import { WireError } from './response-reader.js';

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** How a frame differs from an ordinary one. */
export interface FrameShape {
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, RSV1 = 4. */
  readonly rsv?: number;
  /** Masking key; `null` for an unmasked frame. */
  readonly mask?: Buffer | null;
  /** Octets of the extended length: the shortest by default. */
  readonly lengthOctets?: 0 | 2 | 8;
  /** The length that the header tells, where it is not that of the payload. */
  readonly announces?: bigint;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const WAIT_MS = 7_000;
const TURNS_PER_PIECE = 2;

const octetsOf = (payload: string | Uint8Array): Buffer => (typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload));

/** One frame as its octets. */
export const frame = (opcode: number, payload: string | Uint8Array = '', shape: FrameShape = {}): Buffer => {
  const data = octetsOf(payload);
  const length = shape.announces ?? BigInt(data.length);
  const lengthOctets = shape.lengthOctets ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const mask = shape.mask === undefined ? MASK : shape.mask;
  const head = Buffer.alloc(2 + lengthOctets);
  head[0] = (shape.fin === false ? 0 : 0x80) | ((shape.rsv ?? 0) << 4) | opcode;
  head[1] = (mask === null ? 0 : 0x80) | (lengthOctets === 0 ? Number(length) : lengthOctets === 2 ? 126 : 127);
  if (lengthOctets === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthOctets === 8) head.writeBigUInt64BE(length, 2);
  if (mask === null) return Buffer.concat([head, data]);
  const masked = data.map((octet, index) => octet ^ mask[index % 4]);
  return Buffer.concat([head, mask, masked]);
};

export const text = (payload: string | Uint8Array, shape?: FrameShape): Buffer => frame(Opcode.TEXT, payload, shape);
export const binary = (payload: string | Uint8Array, shape?: FrameShape): Buffer => frame(Opcode.BINARY, payload, shape);
export const more = (payload: string | Uint8Array, shape?: FrameShape): Buffer => frame(Opcode.CONTINUATION, payload, shape);
export const ping = (payload: string | Uint8Array = '', shape?: FrameShape): Buffer => frame(Opcode.PING, payload, shape);
export const pong = (payload: string | Uint8Array = '', shape?: FrameShape): Buffer => frame(Opcode.PONG, payload, shape);

/** A close frame; without a code an empty one. */
export const close = (code?: number, reason: string | Uint8Array = '', shape?: FrameShape): Buffer => {
  if (code === undefined) return frame(Opcode.CLOSE, '', shape);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(Opcode.CLOSE, Buffer.concat([head, octetsOf(reason)]), shape);
};

/** The value that a client must be answered with, RFC 6455 §4.2.2(5.4). */
export const acceptOf = (key: string): string =>
  createHash('sha1')
    .update(key + GUID, 'latin1')
    .digest('base64');

/** A handshake; a field that is `null` is left out, any other replaces the usual one or is added. */
export const handshake = (fields: Readonly<Record<string, string | null>> = {}, line: string = 'GET / HTTP/1.1'): string => {
  const all: Record<string, string | null> = {
    Host: 'x',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
  };
  for (const [name, value] of Object.entries(fields)) {
    const usual = Object.keys(all).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    all[usual ?? name] = value;
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `${line}\r\n${lines.join('')}\r\n`;
};

/** A frame of the server. */
export interface ServerFrame {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly payload: Buffer;
}

const NAMES: Readonly<Record<number, string>> = { 1: 'text', 2: 'binary', 9: 'ping', 10: 'pong' };
const LONG = 200;

/** A frame in one word: `text hello`, `binary 00ff`, `close 1000 bye`; a long payload as its length and hash. */
export const wordFrom = ({ opcode, isCompressed, payload }: ServerFrame): string => {
  if (opcode === Opcode.CLOSE) {
    const reason = payload.subarray(2).toString();
    return payload.length === 0 ? 'close' : `close ${payload.readUInt16BE()}${reason === '' ? '' : ` ${reason}`}`;
  }
  return `${isCompressed ? 'compressed ' : ''}${wordOf(NAMES[opcode] ?? String(opcode), payload)}`;
};

/** What `wordFrom` says of a data frame with this payload. */
export const wordOf = (name: string, payload: string | Uint8Array): string => {
  const data = octetsOf(payload);
  if (data.length > LONG) return `${name} ${data.length} ${createHash('sha1').update(data).digest('hex')}`;
  return `${name} ${name === 'binary' ? data.toString('hex') : data.toString()}`;
};

export interface ConnectOptions {
  readonly fields?: Readonly<Record<string, string | null>>;
  readonly path?: string;
  /** Sent in the same write as the handshake. */
  readonly behind?: Buffer;
  /** The whole handshake, instead of `fields` and `path`. */
  readonly request?: string;
}

export class FrameClient {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #head: string | undefined;
  #ending: Ending | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #hasClose = false;
  /** Inflates like a client that keeps no context. */
  readonly #frames: ServerFrame[] = [];
  /** Octets received in all. */
  received = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('end', () => this.#end('end'));
    socket.on('error', () => this.#end('reset'));
    socket.on('close', () => this.#end('reset'));
  }

  /** A socket on which nothing has been sent. */
  static dial(target: Target): Promise<FrameClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, ...('port' in target ? { host: '127.0.0.1' } : {}), allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new FrameClient(socket));
      });
    });
  }

  /** Completes the handshake, and checks the answer to it. */
  static async open(target: Target, { fields = {}, path = '/', behind, request }: ConnectOptions = {}): Promise<FrameClient> {
    const client = await FrameClient.dial(target);
    client.send(Buffer.from(request ?? handshake(fields, `GET ${path} HTTP/1.1`), 'latin1'), behind ?? Buffer.alloc(0));
    await client.upgraded();
    return client;
  }

  /** The head of the 101. */
  get head(): string {
    return this.#head ?? '';
  }

  /** The value of a field of the 101. */
  field(name: string): string | undefined {
    const wanted = `${name.toLowerCase()}:`;
    const line = this.head.split('\r\n').find((candidate) => candidate.toLowerCase().startsWith(wanted));
    return line?.slice(wanted.length).trim();
  }

  /** Frames that nobody has asked for. */
  get frames(): readonly ServerFrame[] {
    return this.#frames;
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined;
  }

  send(...pieces: readonly Buffer[]): this {
    if (this.#socket.writable) this.#socket.write(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    return this;
  }

  /** Sends pieces so that each is a read of its own at a server in this process. */
  async sendApart(pieces: Iterable<Buffer>): Promise<this> {
    for (const piece of pieces) {
      if (!this.#socket.writable || this.#ending !== undefined) break;
      this.send(piece);
      await turns(TURNS_PER_PIECE);
    }
    return this;
  }

  pause(): this {
    this.#socket.pause();
    return this;
  }

  resume(): this {
    this.#socket.resume();
    return this;
  }

  /** Octets that the kernel has not taken: the server reads no more. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** FIN from this side. */
  finish(): this {
    this.#socket.end();
    return this;
  }

  abort(): void {
    this.#socket.resetAndDestroy();
  }

  /** Resolves when the answer to the handshake is there and is a correct 101. */
  async upgraded(key: string = KEY): Promise<void> {
    await this.#await('a 101', () => this.#head);
    if (!this.head.startsWith('HTTP/1.1 101 ')) throw new WireError(`not a 101: ${this.head}`);
    const accept = this.field('sec-websocket-accept');
    if (accept !== acceptOf(key)) throw new WireError(`wrong accept: ${accept}`);
    if (this.field('upgrade')?.toLowerCase() !== 'websocket') throw new WireError(`wrong upgrade: ${this.head}`);
    if (this.field('connection')?.toLowerCase() !== 'upgrade') throw new WireError(`wrong connection: ${this.head}`);
    for (const field of ['content-length', 'transfer-encoding']) {
      if (this.field(field) !== undefined) throw new WireError(`a 101 with ${field}`); // RFC 9110 §8.6, RFC 9112 §6.1
    }
  }

  /** The next frame. */
  next(withinMs: number = WAIT_MS): Promise<ServerFrame> {
    return this.#await(
      'a frame',
      () => {
        const next = this.#frames.shift();
        if (next === undefined && this.#ending !== undefined) throw new WireError(`no frame: the server ended the connection`);
        return next;
      },
      withinMs,
    );
  }

  /** The next frame in one word. */
  async word(withinMs?: number): Promise<string> {
    return wordFrom(await this.next(withinMs));
  }

  async words(count: number): Promise<readonly string[]> {
    const words: string[] = [];
    while (words.length < count) words.push(await this.word());
    return words;
  }

  /** All frames until the server has ended the connection, in words. */
  async rest(withinMs: number = WAIT_MS): Promise<readonly string[]> {
    await this.ended(withinMs);
    return this.#frames.splice(0).map(wordFrom);
  }

  /** All frames until the answer to a ping that is sent now, in words: the connection is open. */
  async pulse(): Promise<readonly string[]> {
    const mark = `pulse ${this.received}`;
    this.send(ping(mark));
    const words: string[] = [];
    for (let word = await this.word(); word !== `pong ${mark}`; word = await this.word()) words.push(word);
    return words;
  }

  ended(withinMs: number = WAIT_MS): Promise<Ending> {
    return this.#await('the end of the connection', () => this.#ending, withinMs);
  }

  #take(bytes: Buffer): void {
    this.received += bytes.length;
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    try {
      if (this.#head === undefined) this.#takeHead();
      if (this.#head !== undefined) while (this.#takeFrame());
    } catch (error) {
      this.#failure = error as WireError; // nothing else is thrown there
    }
    this.#wake?.();
  }

  #takeHead(): void {
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.#head = this.#pending.toString('latin1', 0, end + 2);
    this.#pending = this.#pending.subarray(end + 4);
  }

  #takeFrame(): boolean {
    const bytes = this.#pending;
    if (!this.head.startsWith('HTTP/1.1 101 ')) return false;
    if (bytes.length > 0 && this.#hasClose) throw new WireError(`behind the close frame came ${bytes.toString('hex').slice(0, 100)}`);
    if (bytes.length < 2) return false;
    const opcode = bytes[0] & 0x0f;
    const isCompressed = (bytes[0] & 0x40) !== 0;
    const told = bytes[1] & 0x7f;
    if ((bytes[0] & 0x30) !== 0) throw new WireError('the server has set a reserved bit');
    if ((bytes[0] & 0x80) === 0) throw new WireError('the server has fragmented a message');
    if ((bytes[1] & 0x80) !== 0) throw new WireError('the server has masked a frame');
    if (![1, 2, 8, 9, 10].includes(opcode)) throw new WireError(`the server has sent opcode ${opcode}`);
    if (opcode > 7 && (told > 125 || isCompressed)) throw new WireError('the server has sent a control frame of the wrong shape');
    const extra = told < 126 ? 0 : told === 126 ? 2 : 8;
    if (bytes.length < 2 + extra) return false;
    const length = extra === 0 ? told : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if ((extra === 2 && length < 126) || (extra === 8 && length < 65_536))
      throw new WireError('the server has not used the shortest length');
    if (bytes.length < 2 + extra + length) return false;
    const body = bytes.subarray(2 + extra, 2 + extra + length);
    this.#pending = bytes.subarray(2 + extra + length);
    this.#hasClose = opcode === Opcode.CLOSE;
    this.#frames.push({ opcode, isCompressed, payload: body });
    return true;
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake?.();
  }

  #await<T>(what: string, look: () => T | undefined, withinMs: number = WAIT_MS): Promise<T> {
    if (this.#wake !== undefined) throw new Error(`two waits at once on one client: ${what}`);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(deadline);
        this.#wake = undefined;
        act();
      };
      const check = (): void => {
        try {
          if (this.#failure !== undefined) throw this.#failure;
          const value = look();
          if (value !== undefined) settle(() => resolve(value));
          else if (this.#ending !== undefined) throw new WireError(`the server ended the connection (${this.#ending}) instead of ${what}`);
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const deadline = setTimeout(() => {
        const seen = this.#frames.map(wordFrom).slice(0, 5).join(', ');
        settle(() =>
          reject(new WireError(`waited ${withinMs} ms in vain for ${what}; ${this.received} octets came, frames not asked for: ${seen}`)),
        );
      }, withinMs);
      this.#wake = check;
      check();
    });
  }
}

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** The message in a compressed frame, without context of those before it. */
export const inflated = (payload: Buffer, windowBits: number = 15): Buffer =>
  inflateRawSync(Buffer.concat([payload, TAIL]), { windowBits, finishFlush: 2 });
