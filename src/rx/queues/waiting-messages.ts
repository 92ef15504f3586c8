/** Messages that wait for a client, in order, with their octets; by key, where they are conflated. Every step costs the same. */
import { Ring } from './ring.js';

interface Waiting<M> {
  readonly key: unknown;
  message: M;
  octets: number;
}

export class WaitingMessages<M> {
  octets: number;
  private readonly order: Ring<Waiting<M>>;
  private byKey: Map<unknown, Waiting<M>> | null;

  constructor() {
    this.octets = 0;
    this.order = new Ring();
    this.byKey = null;
  }

  get length(): number {
    return this.order.length;
  }

  push(message: M, octets: number): void {
    this.order.push({ key: undefined, message, octets });
    this.octets += octets;
  }

  /**
   * Puts a message in the place of the one with its key, or behind all others where there is none.
   *
   * @returns Whether it took the place of another.
   */
  put(key: unknown, message: M, octets: number): boolean {
    this.byKey ??= new Map();
    this.octets += octets;
    const earlier = this.byKey.get(key);
    if (earlier !== undefined) {
      this.octets -= earlier.octets;
      earlier.message = message;
      earlier.octets = octets;
      return true;
    }
    const waiting = { key, message, octets };
    this.byKey.set(key, waiting);
    this.order.push(waiting);
    return false;
  }

  /** Takes the oldest. */
  shift(): M | undefined {
    const oldest = this.order.shift();
    if (oldest === undefined) return undefined;
    this.octets -= oldest.octets;
    this.byKey?.delete(oldest.key);
    return oldest.message;
  }

  /**
   * Drops the oldest, but not the one with `key`, until at most `maxMessages` and `maxOctets` are left, or that one alone.
   *
   * @returns How many were dropped.
   */
  shrink(key: unknown, maxMessages: number, maxOctets: number): number {
    const spared = this.byKey?.get(key);
    const before = this.order.length;
    let isFirstSpared = false;
    while (this.order.length + Number(isFirstSpared) > maxMessages || this.octets > maxOctets) {
      const oldest = this.order.shift();
      if (oldest === undefined) break;
      if (oldest === spared) {
        isFirstSpared = true;
        continue;
      }
      this.octets -= oldest.octets;
      this.byKey?.delete(oldest.key);
    }
    if (spared !== undefined && isFirstSpared) this.order.unshift(spared);
    return before - this.order.length;
  }
}
