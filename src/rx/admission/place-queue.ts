/** Who waits, in the order of coming. */

/** A place in a queue, at most one at a time: it holds its own links, so that it leaves without a search. */
export abstract class Place {
  /** The queue that it stands in; set by the queue alone, as the links are. */
  queue: PlaceQueue | null;
  before: Place | null;
  behind: Place | null;

  constructor() {
    this.queue = null;
    this.before = null;
    this.behind = null;
  }
}

/**
 * First in, first out; whoever stands anywhere in it may leave. Every step is O(1).
 *
 *     first ⇄ place ⇄ last        both are null when it is empty
 */
export class PlaceQueue<P extends Place = Place> {
  first: P | null;
  size: number;
  private last: P | null;

  constructor() {
    this.first = null;
    this.size = 0;
    this.last = null;
  }

  push(place: P): void {
    place.queue = this;
    place.before = this.last;
    if (this.last === null) this.first = place;
    else this.last.behind = place;
    this.last = place;
    this.size++;
  }

  shift(): P | null {
    const { first } = this;
    if (first !== null) this.remove(first);
    return first;
  }

  /** Without effect on a place that stands elsewhere, or nowhere. */
  remove(place: P): void {
    if (place.queue !== this) return;
    const before = place.before as P | null; // of this queue, as `place` is
    const behind = place.behind as P | null; // likewise
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.last = before;
    else behind.before = before;
    place.queue = null;
    place.before = null;
    place.behind = null;
    this.size--;
  }
}
