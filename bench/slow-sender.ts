import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a server may take to read one byte of each connection, in milliseconds. */
const patienceMs = 5_000;

/** Keep-alive connections that send the same request byte by byte, in step. */
export class SlowSender {
  readonly connections: number;
  private readonly sockets: readonly Socket[];
  private readonly bytes: Buffer;
  private readonly answerEnd: string;

  private constructor(sockets: readonly Socket[], text: string, answerEnd: string) {
    this.sockets = sockets;
    this.connections = sockets.length;
    this.bytes = Buffer.from(text, 'latin1');
    this.answerEnd = answerEnd;
  }

  /** @param answerEnd - How an answer to `text` ends. */
  static async connect(port: number, text: string, answerEnd: string): Promise<SlowSender> {
    const sockets = Array.from({ length: 32 }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new SlowSender(sockets, text, answerEnd);
  }

  /**
   * Sends the request once on every connection; resolves when all are answered.
   *
   * The next byte leaves when the server has read the last one, or on a busy machine both would arrive as one.
   *
   * @param reads - How many reads the server has done since it started.
   */
  async sendHead(reads: () => number): Promise<void> {
    const answered = Promise.all(this.sockets.map((socket) => this.answer(socket)));
    for (let index = 0; index < this.bytes.length; index++) {
      const byte = this.bytes.subarray(index, index + 1);
      const allRead = reads() + this.connections;
      const deadline = performance.now() + patienceMs;
      for (const socket of this.sockets) socket.write(byte);
      while (reads() < allRead) {
        if (performance.now() > deadline) throw new Error(`byte ${index} of a head was not read within ${patienceMs} ms`);
        await nextTurn();
      }
    }
    await answered;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private answer(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      let received = '';
      const read = (bytes: Buffer): void => {
        received += bytes.toString('latin1');
        if (!received.endsWith(this.answerEnd)) return;
        socket.off('data', read).off('close', closed);
        resolve();
      };
      const closed = (): void => reject(new Error('a connection was closed in the middle of a head'));
      socket.on('data', read).on('close', closed);
    });
  }
}
