/**
 * A queue that costs the same at both ends however long it is.
 *
 * ```
 *   items   [ d | e |   |   | a | b | c ]     capacity is a power of two
 *                 ^tail       ^head           tail = head + length, wrapped around
 * ```
 */
export class Ring<T> {
  length: number;
  private items: (T | undefined)[];
  private head: number;

  constructor() {
    this.length = 0;
    this.items = new Array<T | undefined>(8);
    this.head = 0;
  }

  push(item: T): void {
    if (this.length === this.items.length) this.grow();
    this.items[(this.head + this.length) & (this.items.length - 1)] = item;
    this.length++;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.length === this.items.length) this.grow();
    this.head = (this.head - 1) & (this.items.length - 1);
    this.items[this.head] = item;
    this.length++;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined; // nothing that has left is held on to
    this.head = (this.head + 1) & (this.items.length - 1);
    this.length--;
    return item;
  }

  private grow(): void {
    const { items, head, length } = this;
    const grown = new Array<T | undefined>(items.length * 2);
    for (let i = 0; i < length; i++) grown[i] = items[(head + i) & (items.length - 1)];
    this.items = grown;
    this.head = 0;
  }
}
