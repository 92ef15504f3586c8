/**
 * A client of a numbered stream that reads as fast as it can, so many octets a tick, or not at all behind the head. It costs next
 * to nothing: of what comes, octets are counted, and the numbers behind each `@` are read.
 */
import { connect, type Socket } from 'node:net';
import type { Target } from './raw-client.js';

/** Digits of a number. */
const DIGITS = 7;
const AT = 0x40;

export class PacedClient {
  /** Octets, those of the head among them. */
  received = 0;
  /** The number that came last. */
  last = 0;
  /** How many came. */
  count = 0;
  /** Numbers that are not the one behind the last. */
  gaps = 0;
  hasHead = false;
  hasClosed = false;
  private readonly socket: Socket;
  private head: string;
  private digitsLeft: number;
  private number: number;

  /**
   * @param octetsATick - What it reads before it waits for the next `tick`; 0: nothing behind the head. Infinity: all.
   */
  constructor(target: Target, request: string, octetsATick: number) {
    this.head = '';
    this.digitsLeft = 0;
    this.number = 0;
    const buffer = Buffer.alloc(Math.min(65_536, Math.max(octetsATick, 1_024)));
    this.socket = connect({
      ...target,
      onread: {
        buffer,
        callback: (length) => {
          this.take(buffer.subarray(0, length));
          return !this.hasHead || octetsATick === Infinity; // false: it is not read any further
        },
      },
    });
    this.socket.on('error', () => {}); // a close follows
    this.socket.on('close', () => (this.hasClosed = true));
    this.socket.write(request);
  }

  /** It may read again. */
  tick(): void {
    this.socket.resume();
  }

  abort(): void {
    this.socket.destroy();
  }

  private take(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.hasHead) return this.read(bytes);
    this.head += bytes.toString('latin1');
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.hasHead = true;
    this.read(Buffer.from(this.head.slice(end + 4), 'latin1'));
    this.head = '';
  }

  private read(bytes: Buffer): void {
    let at = 0;
    for (;;) {
      for (; this.digitsLeft > 0 && at < bytes.length; at++) {
        this.number = this.number * 10 + bytes[at] - 0x30;
        if (--this.digitsLeft === 0) this.note(this.number);
      }
      const mark = bytes.indexOf(AT, at);
      if (mark < 0) return;
      this.digitsLeft = DIGITS;
      this.number = 0;
      at = mark + 1;
    }
  }

  private note(number: number): void {
    if (number !== this.last + 1) this.gaps++;
    this.last = number;
    this.count++;
  }
}
