/**
 * Shapes of paths, and what is kept for each: asked for a path, it gives what is kept for every shape that may mean it.
 *
 * A tree by segments, walked only as far as there is a choice: below `/shop24` of fifty shops one shape is left, and whether the path
 * has it is for the pattern to say. A slash at the end means nothing here.
 */
import type { PathShape } from './path-pattern.js';

/** What is kept for a shape: places in a table, ascending. */
export type Places = readonly number[];

export class PathTree {
  private literals: Map<string, PathTree> | null;
  private param: PathTree | null;
  /** Of the shape that ends here, and of the one that ends here with a rest. */
  private here: Places | null;
  private rest: Places | null;
  /** Of all that is here and below, while that is one shape. */
  private sole: Places | null;

  constructor() {
    this.literals = null;
    this.param = null;
    this.here = null;
    this.rest = null;
    this.sole = null;
  }

  /** Each shape is added once, slashes at its end aside. */
  add({ segments, hasRest }: PathShape, places: Places): void {
    const isBare = segments[segments.length - 1] !== '';
    this.put(isBare ? segments : segments.slice(0, -1), hasRest, places);
  }

  /**
   * @param path - In the one spelling, beginning with a slash.
   * @returns What is kept for those that may mean it; `null` where none does.
   */
  find(path: string): Places | null {
    return this.findFrom(path, 0);
  }

  private get isEmpty(): boolean {
    return this.here === null && this.rest === null && this.param === null && this.literals === null;
  }

  private put(segments: PathShape['segments'], hasRest: boolean, places: Places): void {
    this.sole = this.isEmpty ? places : null;
    if (segments.length > 0) return this.branchOf(segments[0]).put(segments.slice(1), hasRest, places);
    if (hasRest) this.rest = places;
    else this.here = places;
  }

  private branchOf(segment: string | undefined): PathTree {
    if (segment === undefined) return (this.param ??= new PathTree());
    this.literals ??= new Map();
    const known = this.literals.get(segment);
    if (known !== undefined) return known;
    const branch = new PathTree();
    this.literals.set(segment, branch);
    return branch;
  }

  /** @param at - Of the slash before the next segment, or the end. */
  private findFrom(path: string, at: number): Places | null {
    if (this.sole !== null) return this.sole;
    const start = at + 1;
    if (start >= path.length) return union(this.rest, this.here);
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    let found = this.rest;
    const branch = this.literals?.get(path.slice(start, end));
    if (branch !== undefined) found = union(found, branch.findFrom(path, end));
    if (this.param !== null) found = union(found, this.param.findFrom(path, end));
    return found;
  }
}

const union = (a: Places | null, b: Places | null): Places | null => {
  if (a === null) return b;
  if (b === null) return a;
  return [...new Set([...a, ...b])].sort((one, other) => one - other);
};
