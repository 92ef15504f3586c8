/** The client's end of a connection in memory. */
import { type Observable, Subject } from 'rxjs';

interface Line {
  send(bytes: Buffer): void;
  end(): void;
  reset(): void;
  take(octets: number): void;
  hold(): void;
  vanish(): void;
}

/** The client's end of a connection. Texts are latin1: one character, one octet. */
export class MemoryClient {
  /** All that was received. */
  text: string;
  /** The server has sent FIN, and all before it was received. */
  hasEnded: boolean;
  isClosed: boolean;
  /** The server has sent RST. */
  isReset: boolean;
  /** What is received, as it comes; completes with the server's FIN or close, fails with its RST. */
  readonly received$: Observable<string>;
  private readonly arrivals: Subject<string>;
  private readonly line: Line;

  constructor(line: Line) {
    this.text = '';
    this.hasEnded = false;
    this.isClosed = false;
    this.isReset = false;
    this.arrivals = new Subject();
    this.received$ = this.arrivals.asObservable();
    this.line = line;
  }

  send(data: string | Uint8Array): void {
    this.line.send(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data));
  }

  /** Sends FIN. */
  end(): void {
    this.line.end();
  }

  /** Sends RST: both ends are gone. */
  reset(): void {
    this.line.reset();
  }

  /** Takes more of what the server sends. */
  take(octets: number = Infinity): void {
    this.line.take(octets);
  }

  /** Takes nothing more. */
  hold(): void {
    this.line.hold();
  }

  /** Its machine is gone, or the way to it: it hears nothing more and says nothing more, and nobody tells the server. */
  vanish(): void {
    this.line.vanish();
  }

  /** What was received since the last call. */
  read(): string {
    const { text } = this;
    this.text = '';
    return text;
  }

  onData(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    this.text += text;
    this.arrivals.next(text);
  }

  onEnd(): void {
    this.hasEnded = true;
    this.arrivals.complete();
  }

  onClose(isReset: boolean): void {
    this.isClosed = true;
    this.isReset = isReset;
    if (isReset) this.arrivals.error('reset');
    else this.arrivals.complete();
  }
}
