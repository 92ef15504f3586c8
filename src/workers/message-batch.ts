/** What one thread has to say to another, gathered until its turn of the event loop is over. */
import { type PortableBytes, portableBytes, type PortablePiece } from './portable-bytes.js';

/** One message for each turn costs a tenth of one for each word: the wake-up of the other thread is what is expensive. */
export class MessageBatch<M> {
  private readonly post: (batch: readonly M[], transferred: ArrayBuffer[]) => void;
  /** Called before a batch leaves: what was held back joins it. */
  private readonly onTurnEnd: () => void;
  private messages: M[];
  private transferred: ArrayBuffer[];
  private isDue: boolean;
  private isFlushing: boolean;

  constructor(post: (batch: readonly M[], transferred: ArrayBuffer[]) => void, onTurnEnd: () => void = () => {}) {
    this.post = post;
    this.onTurnEnd = onTurnEnd;
    this.messages = [];
    this.transferred = [];
    this.isDue = false;
    this.isFlushing = false;
  }

  add(message: M): void {
    this.messages.push(message);
    if (!this.isFlushing) this.touch();
  }

  /** Bytes to be put into a message that is added in the same turn. */
  bytes(bytes: Uint8Array, isOurs: boolean): PortableBytes {
    return portableBytes(bytes, isOurs, this.transferred);
  }

  /** Text or bytes of the application's, likewise. */
  piece(piece: string | Uint8Array): PortablePiece {
    return typeof piece === 'string' ? piece : portableBytes(piece, false, this.transferred);
  }

  /** Asks for the end of the turn. */
  touch(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.isDue = false;
    this.isFlushing = true; // what is added now leaves now
    this.onTurnEnd();
    this.isFlushing = false;
    const { messages, transferred } = this;
    if (messages.length === 0) return;
    this.messages = [];
    this.transferred = [];
    this.post(messages, transferred);
  }
}
