/**
 * Routes in their order, and which of them a path may mean: what costs as much with two hundred routes as with two.
 *
 * The index is rou3's tree; it is asked for every shape of path that matches, and says nothing of order. Order is the
 * routes' own: a path's candidates are sorted by where they were written.
 */
import { addRoute, createRouter, findAllRoutes } from 'rou3';
import type { PathPattern, PathShape } from './path-pattern.js';
import { spellingOf } from './request-path.js';

export interface Indexed {
  readonly pattern: PathPattern;
}

export class RouteTable<E extends Indexed> {
  readonly entries: readonly E[];
  /** For each shape of path the places of its entries, ascending. */
  private readonly places: ReturnType<typeof createRouter<number[]>>;

  constructor(entries: readonly E[]) {
    this.entries = entries;
    this.places = createRouter<number[]>();
    const known = new Map<string, number[]>();
    entries.forEach(({ pattern }, place) => {
      const path = indexedPathOf(pattern.shape);
      let list = known.get(path);
      if (list === undefined) {
        known.set(path, (list = []));
        addRoute(this.places, '', path, list);
      }
      list.push(place);
    });
  }

  /** @returns Those that may mean the path, in order; `PathPattern.bind` has the last word. */
  candidatesFor(spelling: string): readonly E[] {
    const found = findAllRoutes(this.places, '', spelling, WITHOUT_PARAMS);
    if (found.length === 0) return [];
    if (found.length === 1) return found[0].data.map((place) => this.entries[place]);
    const places = found.flatMap(({ data }) => data);
    places.sort(ascending);
    return places.map((place) => this.entries[place]);
  }
}

const WITHOUT_PARAMS = { params: false };

const ascending = (a: number, b: number): number => a - b;

/** As rou3 writes it: `:p0` for a param, `**` for none or more segments. A slash at the end means nothing to it. */
const indexedPathOf = ({ segments, hasRest }: PathShape): string =>
  segments.map((text, i) => (text === undefined ? `/:p${i}` : spellingOf([text]))).join('') + (hasRest ? '/**' : '');
