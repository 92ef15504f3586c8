/**
 * Routes in their order, and which of them a path may mean: what costs as much with two hundred routes as with two.
 *
 * The index is rou3's tree; it is asked for every shape of path that matches, and says nothing of order. Order is the
 * routes' own: what was found is sorted by where it was written.
 */
import { addRoute, createRouter, findAllRoutes } from 'rou3';
import { ANY_PATH, type PathPattern, type PathShape } from './path-pattern.js';

export interface Indexed {
  readonly pattern: PathPattern;
}

/** Places in the table, ascending. */
type Places = number[];

export class RouteTable<E extends Indexed> {
  readonly entries: readonly E[];
  /** Those of all paths. They are among those of every shape too, as most tables end with one. */
  readonly always: readonly number[];
  private readonly index: ReturnType<typeof createRouter<Places>>;

  constructor(entries: readonly E[]) {
    this.entries = entries;
    this.index = createRouter<Places>();
    const always: number[] = [];
    const shapes = new Map<string, Places>();
    entries.forEach(({ pattern }, place) => {
      if (pattern === ANY_PATH) {
        always.push(place);
        return;
      }
      const path = indexedPathOf(pattern.shape);
      const places = shapes.get(path);
      if (places === undefined) shapes.set(path, [place]);
      else places.push(place);
    });
    for (const [path, places] of shapes) addRoute(this.index, '', path, places.concat(always).sort(ascending));
    this.always = always;
  }

  /**
   * @param path - In the one spelling.
   * @returns Places of those that may mean it, in order; `PathPattern.bind` has the last word.
   */
  candidatesFor(path: string): readonly number[] {
    const found = findAllRoutes(this.index, '', path, WITHOUT_PARAMS);
    if (found.length === 0) return this.always;
    if (found.length === 1) return found[0].data;
    return [...new Set(found.flatMap(({ data }) => data))].sort(ascending);
  }
}

const WITHOUT_PARAMS = { params: false };

const ascending = (a: number, b: number): number => a - b;

/** As rou3 writes it: `:p0` for a param, `**` for none or more segments. A slash at the end means nothing to it. */
const indexedPathOf = ({ segments, hasRest }: PathShape): string =>
  segments.map((text, i) => (text === undefined ? `/:p${i}` : `/${text}`)).join('') + (hasRest ? '/**' : '');
