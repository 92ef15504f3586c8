/** The requests of one server that wait for their first reply item: counted, and limited to `queueSize`. */
export class WaitingRoom {
  readonly limit: number;
  size: number;

  constructor(limit: number) {
    this.limit = limit;
    this.size = 0;
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
}
