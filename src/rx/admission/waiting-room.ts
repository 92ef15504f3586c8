/** Ends with its server, and says when it has. */
export type Dependent = (onEnded: () => void) => void;

/**
 * The requests of one server that wait for their first reply item: counted, and limited to `queueSize`. All that belongs to one server
 * shares it, so what is to end with the server says so here.
 */
export class WaitingRoom {
  readonly limit: number;
  size: number;
  private dependents: Dependent[];

  constructor(limit: number) {
    this.limit = limit;
    this.size = 0;
    this.dependents = [];
  }

  get isFull(): boolean {
    return this.size >= this.limit;
  }

  /** Takes a place. Returns false, and takes none, when the room is full. */
  enter(): boolean {
    if (this.isFull) return false;
    this.size++;
    return true;
  }

  leave(): void {
    this.size--;
  }

  /** @param dependent - Called when the server has let go of its last connection, which ends for good when all dependents have. */
  whenClosed(dependent: Dependent): void {
    this.dependents.push(dependent);
  }

  /** Nobody comes any more. Calls back within, where nothing depends on it. */
  close(onClosed: () => void): void {
    const { dependents } = this;
    this.dependents = [];
    let left = dependents.length;
    if (left === 0) return onClosed();
    for (const dependent of dependents) dependent(() => --left === 0 && onClosed());
  }
}
