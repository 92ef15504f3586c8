/**
 * What was received and cannot be used yet. One chunk is kept as it came; what comes behind it is gathered in a buffer that
 * doubles, so that bytes which drip in one by one cost no more than bytes that come at once.
 *
 *     store  ┌─ used ─┬─ unread ─┬─ room ─┐
 *            0       from        to
 */
export class UnreadBytes {
  private store: Buffer;
  private from: number;
  private to: number;

  constructor(bytes: Buffer) {
    this.store = bytes;
    this.from = 0;
    this.to = bytes.length;
  }

  get length(): number {
    return this.to - this.from;
  }

  /** The unread bytes; they may be kept, as nobody writes over them. */
  get view(): Buffer {
    return this.from === 0 && this.to === this.store.length ? this.store : this.store.subarray(this.from, this.to);
  }

  append(bytes: Buffer): void {
    const length = this.length + bytes.length;
    if (this.to + bytes.length > this.store.length) {
      const store = Buffer.allocUnsafeSlow(Math.max(2 * length, 1_024));
      this.store.copy(store, 0, this.from, this.to);
      this.store = store;
      this.to -= this.from;
      this.from = 0;
    }
    bytes.copy(this.store, this.to);
    this.to += bytes.length;
  }

  skip(octets: number): void {
    this.from += octets;
  }
}
