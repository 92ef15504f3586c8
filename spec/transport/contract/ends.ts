/** Both ends of one connection, whatever carries it, and the passing of time between them. */
import type { ByteStream } from '#src/transport/contracts.js';

/** The end of the world outside: what it does, and what it has seen. Texts are latin1. */
export interface PeerEnd {
  readonly received: string;
  /** How it sees the connection: still open, ended by FIN or reset. */
  readonly fate: 'open' | 'ended' | 'reset';
  send(text: string): void;
  /** Sends FIN. */
  end(): void;
  /** Sends RST. */
  reset(): void;
  /** Takes all that comes, from now on. One that was made holding takes nothing before. */
  take(): void;
}

export interface Ends {
  readonly stream: ByteStream;
  readonly peer: PeerEnd;
}

export interface EndsOptions {
  /** The peer takes nothing before it is told to. */
  readonly isHolding?: boolean;
}

/** What carries connections. */
export interface Carriage {
  /** A connection that the stream's side has accepted. */
  connect(options?: EndsOptions): Promise<Ends>;
  /** Lets all that is under way arrive, and its consequences too. */
  settle(): Promise<void>;
  /** Runs what may make a listener throw; gives what escaped from listeners. */
  escapes(action: () => Promise<void>): Promise<readonly unknown[]>;
  close(): Promise<void>;
}
