/** A server's WebSocket frames out of bytes that may stop anywhere, RFC 6455 §5.2. */

/** A frame of the server. A message in several frames comes as one, when it is whole. */
export interface ReceivedFrame {
  readonly kind: 'text' | 'binary' | 'close' | 'ping' | 'pong';
  readonly payload: Buffer;
}

const KINDS: Readonly<Record<number, ReceivedFrame['kind']>> = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
const CONTINUATION = 0;

export class FrameReader {
  private readonly onFrame: (frame: ReceivedFrame) => void;
  private pending: Buffer;
  /** The frames of a message that is not whole. */
  private parts: Buffer[];
  private opcode: number;

  constructor(onFrame: (frame: ReceivedFrame) => void) {
    this.onFrame = onFrame;
    this.pending = Buffer.alloc(0);
    this.parts = [];
    this.opcode = 0;
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
    if (pending.length < start + length) return false;
    this.pending = pending.subarray(start + length);
    this.onWhole(pending[0], pending[1], pending.subarray(start, start + length));
    return true;
  }

  private onWhole(first: number, second: number, payload: Buffer): void {
    if ((first & 0x70) !== 0) throw new Error('the server sent a frame with a reserved bit, RFC 6455 §5.2');
    if ((second & 0x80) !== 0) throw new Error('the server sent a masked frame, RFC 6455 §5.1');
    const opcode = first & 0x0f;
    if (opcode >= 8) return this.tell(opcode, payload);
    if (opcode !== CONTINUATION) this.opcode = opcode;
    this.parts.push(payload);
    if ((first & 0x80) === 0) return;
    const message = Buffer.concat(this.parts);
    this.parts = [];
    this.tell(this.opcode, message);
  }

  private tell(opcode: number, payload: Buffer): void {
    const kind = KINDS[opcode];
    if (kind === undefined) throw new Error(`the server sent a frame with opcode ${opcode}, RFC 6455 §5.2`);
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
