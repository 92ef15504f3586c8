/**
 * Routes in their order, and which of them a path may mean: what costs as much with two hundred routes as with two.
 *
 * The index is a tree of their paths, which says nothing of order. Order is the routes' own: what was found is sorted by where it
 * was written.
 */
import { ANY_PATH, type PathPattern, type PathShape } from './path-pattern.js';
import { type Places, PathTree } from './path-tree.js';

export interface Indexed {
  readonly pattern: PathPattern;
}

export class RouteTable<E extends Indexed> {
  readonly entries: readonly E[];
  /** Those of all paths. They are among those of every shape too, as most tables end with one. */
  readonly always: Places;
  private readonly tree: PathTree;

  constructor(entries: readonly E[]) {
    this.entries = entries;
    this.tree = new PathTree();
    const always: number[] = [];
    const shapes = new Map<string, { readonly shape: PathShape; readonly places: number[] }>();
    entries.forEach(({ pattern }, place) => {
      if (pattern === ANY_PATH) {
        always.push(place);
        return;
      }
      const { shape } = pattern;
      const key = keyOf(shape);
      const known = shapes.get(key);
      if (known === undefined) shapes.set(key, { shape, places: [place] });
      else known.places.push(place);
    });
    for (const { shape, places } of shapes.values()) this.tree.add(shape, places.concat(always).sort(ascending));
    this.always = always;
  }

  /**
   * @param path - In the one spelling.
   * @returns Places of those that may mean it, in order; `PathPattern.bind` has the last word.
   */
  candidatesFor(path: string): Places {
    return this.tree.find(path) ?? this.always;
  }
}

const ascending = (a: number, b: number): number => a - b;

/** The same for shapes that differ in a slash at their end alone; in the one spelling no segment has a colon or an asterisk. */
const keyOf = ({ segments, hasRest }: PathShape): string => {
  const key = segments.map((text) => (text === undefined ? '/:' : `/${text}`)).join('') + (hasRest ? '/*' : '');
  return key.endsWith('/') ? key.slice(0, -1) : key;
};
