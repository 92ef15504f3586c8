/** A server's WebSocket frames out of bytes that may stop anywhere, RFC 6455 §5.2. */
import { isUtf8 } from 'node:buffer';

/** A frame of the server. A message in several frames comes as one, when it is whole. */
export interface ReceivedFrame {
  readonly kind: 'text' | 'binary' | 'close' | 'ping' | 'pong';
  readonly payload: Buffer;
}

const KINDS: Readonly<Record<number, ReceivedFrame['kind']>> = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
const CONTINUATION = 0;
/** The payload of a control frame, RFC 6455 §5.5. */
const MAX_CONTROL_BYTES = 125;

export class FrameReader {
  private readonly onFrame: (frame: ReceivedFrame) => void;
  private pending: Buffer;
  /** The frames of a message that is not whole, and what it is. */
  private parts: Buffer[];
  private opcode: number;

  constructor(onFrame: (frame: ReceivedFrame) => void) {
    this.onFrame = onFrame;
    this.pending = Buffer.alloc(0);
    this.parts = [];
    this.opcode = CONTINUATION;
  }

  /** @throws Error for what no server may send to a client that offered no extension. */
  push(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes]);
    while (this.take());
  }

  private take(): boolean {
    const { pending } = this;
    if (pending.length < 2) return false;
    const short = pending[1] & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (pending.length < start) return false;
    const length = short < 126 ? short : short === 126 ? pending.readUInt16BE(2) : Number(pending.readBigUInt64BE(2));
    if (start > 2 && length < (start === 4 ? 126 : 65_536)) {
      throw new Error(`the server sent the length ${length} in ${start - 2} octets, RFC 6455 §5.2`);
    }
    if (pending.length < start + length) return false;
    this.pending = pending.subarray(start + length);
    this.onWhole(pending[0], pending[1], pending.subarray(start, start + length));
    return true;
  }

  private onWhole(first: number, second: number, payload: Buffer): void {
    if ((first & 0x70) !== 0) throw new Error('the server sent a frame with a reserved bit, RFC 6455 §5.2');
    if ((second & 0x80) !== 0) throw new Error('the server sent a masked frame, RFC 6455 §5.1');
    const opcode = first & 0x0f;
    const isLast = (first & 0x80) !== 0;
    if (opcode >= 8) {
      if (!isLast) throw new Error('the server sent a control frame in pieces, RFC 6455 §5.5');
      if (payload.length > MAX_CONTROL_BYTES) throw new Error(`the server sent ${payload.length} octets in a control frame, RFC 6455 §5.5`);
      return this.tell(opcode, payload);
    }
    const isInside = this.opcode !== CONTINUATION;
    if (isInside !== (opcode === CONTINUATION)) {
      throw new Error(`the server sent a ${isInside ? 'message inside another' : 'continuation of no message'}, RFC 6455 §5.4`);
    }
    if (!isInside) this.opcode = opcode;
    this.parts.push(payload);
    if (!isLast) return;
    const message = Buffer.concat(this.parts);
    const kind = this.opcode;
    this.parts = [];
    this.opcode = CONTINUATION;
    this.tell(kind, message);
  }

  private tell(opcode: number, payload: Buffer): void {
    const kind = KINDS[opcode];
    if (kind === undefined) throw new Error(`the server sent a frame with opcode ${opcode}, RFC 6455 §5.2`);
    const words = kind === 'close' ? payload.subarray(2) : payload;
    if ((kind === 'text' || kind === 'close') && !isUtf8(words))
      throw new Error(`the server sent a ${kind} that is no UTF-8, RFC 6455 §8.1`);
    if (kind === 'close' && payload.length === 1) throw new Error('the server sent half a close code, RFC 6455 §5.5.1');
    this.onFrame({ kind, payload });
  }
}

/** A frame in words: a text message as it stands, `binary 00ff`, `close 1000 reason`, `ping data`. */
export const wordsOf = ({ kind, payload }: ReceivedFrame): string => {
  if (kind === 'text') return payload.toString();
  if (kind === 'binary') return `binary ${payload.toString('hex')}`;
  const words = kind === 'close' && payload.length >= 2 ? [payload.readUInt16BE(), payload.subarray(2).toString()] : [payload.toString()];
  return [kind, ...words].filter((word) => word !== '').join(' ');
};
