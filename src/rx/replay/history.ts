/**
 * The latest items of a source, at most `limit` of them and none older than `ttlMs`.
 *
 *     slots   [ 9 | 10 | 11 | 12 | 5 | 6 | 7 | 8 ]      first 5, last 12; as many slots as a power of two
 *                             last ↑   ↑ first          the item with offset n is in slot (n - 1) % slots
 *
 * Items come in the order of their offsets, which have no gaps. The slots grow with what is kept at a time, not with what was.
 */
import type { Published } from './replayable.js';

export class History<T> {
  /** Offset of the oldest item that is kept; `last + 1` where none is. */
  first: number;
  /** Offset of the latest item that was ever added; 0 before the first. */
  last: number;
  private readonly limit: number;
  private readonly ttlMs: number;
  private slots: (Published<T> | undefined)[];

  constructor(limit: number, ttlMs: number) {
    this.first = 1;
    this.last = 0;
    this.limit = limit;
    this.ttlMs = ttlMs;
    this.slots = [undefined];
  }

  add(item: Published<T>): void {
    this.last = item.offset;
    if (this.limit === 0) {
      this.first = item.offset + 1;
      return;
    }
    if (item.offset - this.first === this.limit) this.forgetFirst();
    if (item.offset - this.first === this.slots.length) this.grow();
    this.slots[(item.offset - 1) % this.slots.length] = item;
    this.expire(item.at);
  }

  /** Forgets what is too old. */
  expire(now: number): void {
    if (this.ttlMs === Infinity) return;
    while (this.first <= this.last && now - this.at(this.first).at >= this.ttlMs) this.forgetFirst();
  }

  /** Everything is kept that was published behind this offset, which may be nothing. */
  covers(offset: number): boolean {
    return offset >= this.first - 1 && offset <= this.last;
  }

  /** What was published behind an offset, as far as it is kept. */
  after(offset: number): Published<T>[] {
    const items: Published<T>[] = [];
    for (let next = Math.max(offset + 1, this.first); next <= this.last; next++) items.push(this.at(next));
    return items;
  }

  private at(offset: number): Published<T> {
    return this.slots[(offset - 1) % this.slots.length] as Published<T>; // filled from `first` to `last`
  }

  private forgetFirst(): void {
    this.slots[(this.first - 1) % this.slots.length] = undefined;
    this.first++;
  }

  private grow(): void {
    const { slots } = this;
    const grown = new Array<Published<T> | undefined>(slots.length * 2);
    for (const item of slots) if (item !== undefined) grown[(item.offset - 1) % grown.length] = item;
    this.slots = grown;
  }
}
