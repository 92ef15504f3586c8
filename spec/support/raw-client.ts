/**
 * A client that sends exactly the bytes it is told to and reads replies strictly. It has one socket for its whole life
 * and never connects again, so that a test which reads two replies has proved that the connection lived between them.
 */
import { connect, type Socket } from 'node:net';
import { ResponseReader, WireError, type RawResponse } from './response-reader.js';

/** Where to connect: a port of 127.0.0.1, or the path of a Unix socket. */
export type Target = { readonly port: number } | { readonly path: string };

/** How a connection ended, as the client sees it. */
export type Ending = 'end' | 'reset';

const WAIT_MS = 7_000;
/** Turns of the event loop after which bytes written here have been read by a server in this process. */
const TURNS_PER_PIECE = 3;

/** Bytes of a latin1 text: one character, one byte. */
export const bytesOf = (text: string | Buffer): Buffer => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

/** Resolves after so many turns of the event loop: what was written before has been delivered within this process. */
export const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

/** Looks after each turn until `condition` holds. */
export const until = async (what: string, condition: () => boolean | Promise<boolean>, withinMs: number = WAIT_MS): Promise<void> => {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await turns(1);
  }
};

/** Resolves when `count` has risen above 0 and then stood still for a hundred turns. */
export const untilAtRest = async (what: string, count: () => number): Promise<void> => {
  let last = 0;
  let still = 0;
  await until(`${what} have come to rest`, () => {
    still = last > 0 && count() === last ? still + 1 : 0;
    last = count();
    return still >= 100;
  });
};

export class RawClient {
  readonly #socket: Socket;
  readonly #isUnix: boolean;
  readonly #reader = new ResponseReader();
  /** The port at this end: tells connections apart. */
  readonly localPort: number;
  #ending: Ending | undefined;
  #failure: Error | undefined;
  #received = 0;
  #reads = 0;
  #sent = 0;
  #wake: (() => void) | undefined;
  /** Called once when the socket is closed for good. */
  onClose: (() => void) | undefined;

  private constructor(socket: Socket, isUnix: boolean) {
    this.#socket = socket;
    this.#isUnix = isUnix;
    this.localPort = socket.localPort ?? 0;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#received += bytes.length;
      this.#reads++;
      this.#reader.push(bytes);
      this.#wake?.();
    });
    socket.on('end', () => this.#end('end'));
    socket.on('error', (error) => {
      this.#failure = error;
      this.#end('reset');
    });
    socket.on('close', () => {
      this.#end('reset');
      this.onClose?.();
    });
  }

  static open(target: Target): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, ...('port' in target ? { host: '127.0.0.1' } : {}), allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RawClient(socket, 'path' in target));
      });
    });
  }

  /** Bytes received in all. */
  get received(): number {
    return this.#received;
  }

  /** Reads that brought them. */
  get reads(): number {
    return this.#reads;
  }

  /** Octets that the operating system has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Status and fields of the reply that is under way, once its head is there. */
  get head(): ResponseReader['head'] {
    return this.#reader.head;
  }

  /** Writes at once; returns itself, so that a test reads in one line. */
  send(...pieces: readonly (string | Buffer)[]): this {
    for (const piece of pieces) {
      this.#sent += piece.length;
      this.#socket.write(bytesOf(piece));
    }
    return this;
  }

  /** Writes pieces so that each is a read of its own at a server in this process. Stops early if the server has gone. */
  async sendApart(pieces: readonly (string | Buffer)[]): Promise<this> {
    for (const piece of pieces) {
      if (this.#socket.destroyed || !this.#socket.writable) break;
      await turns(TURNS_PER_PIECE);
      this.send(piece);
    }
    return this;
  }

  /** Resolves when the kernel has taken all that was sent. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#socket.write('', () => resolve()));
  }

  /** Half-closes: no more bytes from here, replies are still read. */
  finish(): this {
    this.#socket.end();
    return this;
  }

  /** Stops reading: the server's writes fill the kernel's buffers and then wait. */
  pause(): this {
    this.#socket.pause();
    return this;
  }

  resume(): this {
    this.#socket.resume();
    return this;
  }

  /** Leaves with a FIN in both directions. */
  leave(): void {
    this.#socket.destroy();
  }

  /** Leaves with a reset. */
  abort(): void {
    // a Unix socket knows no reset, and Node.js leaks the handle of one whose FIN is still on its way
    if (this.#isUnix || this.#socket.writableEnded) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** The next final reply; fails on anything malformed, and if the connection ends first. */
  async response(method: string = 'GET', withinMs: number = WAIT_MS): Promise<RawResponse> {
    return this.#await(
      `a reply to ${method}`,
      () => {
        const response = this.#reader.take(method, this.#ending === 'end');
        if (response === undefined && this.#ending !== undefined) throw this.#gone('no reply');
        return response;
      },
      withinMs,
    );
  }

  /** Every reply until the server ends the connection, which must be behind the last of them. */
  async rest(): Promise<readonly RawResponse[]> {
    const ending = await this.#await('the end of the connection', () => this.#ending);
    if (ending !== 'end') throw this.#gone('not an end');
    const responses: RawResponse[] = [];
    for (let response = this.#reader.take('GET', true); response !== undefined; response = this.#reader.take('GET', true)) {
      responses.push(response);
    }
    return responses;
  }

  /** Resolves once so many bytes of the body under way have come, with all of them. */
  bodyBytes(least: number): Promise<Buffer> {
    return this.#await(`${least} bytes of body`, () => {
      if (this.#reader.take('GET', false) !== undefined) throw new WireError('the reply is complete');
      const body = this.#reader.bodySoFar;
      if (body.length < least && this.#ending !== undefined) throw this.#gone(`${body.length} bytes of body`);
      return body.length >= least ? body : undefined;
    });
  }

  /** Resolves when the server has ended the connection; fails if bytes came that no reply accounts for. */
  async ended(withinMs: number = WAIT_MS): Promise<Ending> {
    const ending = await this.#await('the end of the connection', () => this.#ending, withinMs);
    if (ending === 'end' && this.#reader.isInside) throw new WireError(`bytes behind the last reply: ${this.#reader.progress}`);
    return ending;
  }

  /** Resolves when the connection has ended in whatever way, also inside a reply; gives what was cut off. */
  async cut(withinMs: number = WAIT_MS): Promise<{ readonly ending: Ending; readonly body: Buffer; readonly isComplete: boolean }> {
    const ending = await this.#await('the cut of the connection', () => this.#ending, withinMs);
    let isComplete: boolean;
    try {
      isComplete = this.#reader.take('GET', true) !== undefined;
    } catch {
      isComplete = false; // ended inside a reply: what this method waits for
    }
    return { ending, body: this.#reader.bodySoFar, isComplete };
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake?.();
  }

  #gone(what: string): WireError {
    const why = this.#failure === undefined ? '' : `, ${this.#failure.message}`;
    return new WireError(`${what}: the server ended the connection (${this.#ending}${why}) ${this.#account()}`);
  }

  #account(): string {
    return `after ${this.#sent} bytes sent and ${this.#received} received; ${this.#reader.progress}`;
  }

  /** Asks `look` after everything that arrives, until it gives a value. One wait at a time. */
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
          const value = look();
          if (value !== undefined) settle(() => resolve(value));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const deadline = setTimeout(
        () => settle(() => reject(new WireError(`waited ${withinMs} ms in vain for ${what} ${this.#account()}`))),
        withinMs,
      );
      this.#wake = check;
      check();
    });
  }
}
