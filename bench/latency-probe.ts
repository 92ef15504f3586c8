/** One connection that asks the same thing again and again, each time when the answer is there, and notes how long it took. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

export class LatencyProbe {
  private readonly socket: Socket;
  private readonly text: string;
  private readonly ending: string;

  private constructor(socket: Socket, text: string, ending: string) {
    this.socket = socket;
    this.text = text;
    this.ending = ending;
  }

  /** @param ending - How an answer to `text` ends. */
  static async connect(port: number, text: string, ending: string): Promise<LatencyProbe> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true).setEncoding('latin1');
    await once(socket, 'connect');
    return new LatencyProbe(socket, text, ending);
  }

  /** Milliseconds that each answer took, for as long as `isOver` does not say otherwise. */
  async measure(isOver: () => boolean): Promise<number[]> {
    const times: number[] = [];
    while (!isOver()) {
      const started = performance.now();
      await this.ask();
      times.push(performance.now() - started);
    }
    return times;
  }

  close(): void {
    this.socket.resetAndDestroy();
  }

  private async ask(): Promise<void> {
    this.socket.write(this.text);
    let received = '';
    while (!received.endsWith(this.ending)) {
      const [piece] = (await once(this.socket, 'data')) as [string]; // decoded above
      received += piece;
    }
  }
}
