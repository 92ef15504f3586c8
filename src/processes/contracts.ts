/** What a supervisor knows of processes: the waist between its rules and `node:cluster`, with a twin in virtual time. */

/** Where a server listens, as its process says it. */
export interface ProcessAddress {
  readonly port: number;
  readonly address: string;
}

/** Who follows one process. */
export interface ProcessListener {
  /** It listens. */
  onReady(address: ProcessAddress): void;
  /** It could not start, and says why; `onExit` follows. */
  onFailed(error: Error): void;
  /** It has ended: nothing follows. */
  onExit(code: number | null, signal: string | null): void;
}

/** How a process is to end. */
export interface Departure {
  /** Milliseconds for what runs; Infinity for as long as it takes. */
  readonly timeout: number;
  /** Milliseconds for the first request of connections that have sent nothing yet. */
  readonly firstRequestMs: number;
}

/** One process. */
export interface ProcessPort {
  readonly pid: number;
  /** Asks it to drain and to end. */
  stop(departure: Departure): void;
  /** Ends it now. */
  kill(): void;
}

/** Where processes come from. */
export interface ProcessHost {
  /**
   * Starts one; the listener is called later, never within this call.
   *
   * @param index - Which of the group it is, from 1; a replacement has the index of the one that it replaces.
   */
  spawn(index: number, listener: ProcessListener): ProcessPort;
}
