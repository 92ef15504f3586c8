import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

/** From one address alone the kernel searches ever longer for a free port: 19,000 connections took 14 s, from five addresses 2 s. */
const sourceAddresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'];

/** Connections that have each said one thing, a request or a handshake, and then say nothing. They need a file descriptor each, here and there. */
export class IdleConnections {
  private readonly sockets: Socket[] = [];
  private readonly port: number;
  private readonly text: string;
  private readonly answerEnd: string;
  private readonly proof: string;

  /**
   * @param text - What each says: latin1, a character is a byte.
   * @param answerEnd - How an answer to `text` ends.
   * @param proof - What else must stand in an answer, or it is not one.
   */
  constructor(port: number, text: string, answerEnd: string, proof: string = '') {
    this.port = port;
    this.text = text;
    this.answerEnd = answerEnd;
    this.proof = proof;
  }

  /** Opens `count` more; resolves when each has its answer. */
  async open(count: number): Promise<void> {
    const atOnce = 256; // Below any backlog, so that no connection waits for a retry.
    for (let left = count; left > 0; left -= atOnce) {
      await Promise.all(Array.from({ length: Math.min(left, atOnce) }, () => this.openOne()));
    }
  }

  /** @throws when the server has closed any of them: then it holds fewer than are counted. */
  assertOpen(): void {
    const lost = this.sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
    if (lost > 0) throw new Error(`${lost} of ${this.sockets.length} idle connections were closed by the server`);
  }

  /** Closes all by a reset, which leaves no port in TIME_WAIT for the next round. */
  async close(): Promise<void> {
    const closed = this.sockets.filter((socket) => !socket.destroyed).map((socket) => once(socket, 'close'));
    for (const socket of this.sockets) socket.resetAndDestroy();
    this.sockets.length = 0;
    await Promise.all(closed);
  }

  private openOne(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        port: this.port,
        host: '127.0.0.1',
        localAddress: sourceAddresses[this.sockets.length % sourceAddresses.length],
      });
      let received = '';
      socket.on('error', reject);
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        if (!received.endsWith(this.answerEnd)) return;
        if (received.includes(this.proof)) resolve();
        else reject(new Error(`the server said ${received}`));
      });
      socket.write(this.text, 'latin1');
      this.sockets.push(socket);
    });
  }
}
