/**
 * The paths of routes: `/users/:id/*`, read once, and held against requests.
 *
 * Owns: what a pattern may say, which paths it means, which params it binds. Leaves: finding the patterns that may
 * match among many to `route-table.ts`.
 */
import { OptionError } from '../errors.js';
import { spellingOf } from './spelling.js';

/** Names → decoded values, nothing inherited; what `*` stands for is under `*`. */
export type Params = Record<string, string>;

/** The names that a path's text binds: `'/users/:id/*'` binds `'id' | '*'`. */
export type ParamNames<P extends string> = P extends `${infer Segment}/${infer Rest}`
  ? ParamName<Segment> | ParamNames<Rest>
  : ParamName<P>;
type ParamName<Segment extends string> = Segment extends `:${infer Name}` ? Name : Segment extends '*' ? '*' : never;

/** The params of a path, as its text says: `ParamsOf<'/users/:id'>` is `{ readonly id: string }`. */
export type ParamsOf<P extends string> = string extends P ? Readonly<Params> : { readonly [Name in ParamNames<P>]: string };

interface Literal {
  /** In the one spelling. */
  readonly text: string;
}

interface Param {
  readonly name: string;
}

type Segment = Literal | Param;

/** What may stand behind the segments: nothing, anything, or anything as the param `*`. */
type Rest = 'none' | 'free' | 'bound';

export interface PathShape {
  readonly segments: readonly (string | undefined)[];
  readonly hasRest: boolean;
}

export class PathPattern {
  /** As written, prefixes of contexts included. */
  readonly text: string;
  private readonly segments: readonly Segment[];
  private readonly rest: Rest;
  /** Behind a prefix nothing is as good as a slash: `context('/api', get('/'))` means `/api` and `/api/`. */
  private readonly mayEndBare: boolean;

  constructor(text: string, segments: readonly Segment[], rest: Rest, mayEndBare: boolean) {
    this.text = text;
    this.segments = segments;
    this.rest = rest;
    this.mayEndBare = mayEndBare;
  }

  /** How many segments stand before the rest. */
  get length(): number {
    return this.segments.length;
  }

  /** Which paths this means, whatever the names of its params are: text in the one spelling, or `undefined` for a param. */
  get shape(): PathShape {
    const segments = this.segments.map((segment) => ('text' in segment ? segment.text : undefined));
    return { segments, hasRest: this.rest !== 'none' };
  }

  /**
   * @param path - In the one spelling.
   * @param around - Params bound before, by what stands around; null for none.
   * @returns null where the path is another.
   */
  bind(path: string, around: Readonly<Params> | null): Params | null {
    const { segments } = this;
    const params = new BoundParams();
    if (around !== null) for (const name in around) params[name] = around[name];
    let at = 0; // of the slash before a segment, or the end
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i];
      if (at === path.length) {
        return this.mayEndBare && this.rest === 'none' && i === segments.length - 1 ? params : null;
      }
      const start = at + 1;
      if ('text' in segment) {
        at = start + segment.text.length;
        if (!path.startsWith(segment.text, start) || (at < path.length && path.charCodeAt(at) !== SLASH)) return null;
      } else {
        at = path.indexOf('/', start);
        if (at < 0) at = path.length;
        if (at === start) return null;
        params[segment.name] = decode(path.slice(start, at));
      }
    }
    if (this.rest === 'none') return at === path.length ? params : null;
    if (at === path.length && !this.mayEndBare) return null;
    if (this.rest === 'bound') {
      const rest = decode(path.slice(at + 1));
      if (rest.charCodeAt(0) === SLASH) return null;
      params['*'] = rest;
    }
    return params;
  }

  /** This pattern as a prefix of another. @throws OptionError for a name that both bind. */
  join(inner: PathPattern): PathPattern {
    const text = this.text + inner.text;
    const { shape } = inner;
    const isSlash = shape.hasRest ? inner.length === 0 : inner.length === 1 && shape.segments[0] === '';
    const segments = withoutDuplicates([...this.segments, ...inner.segments], text);
    return new PathPattern(text, segments, inner.rest, inner.mayEndBare || isSlash);
  }
}

const SLASH = 0x2f;

const decode = (spelling: string): string => (spelling.includes('%') ? decodeURIComponent(spelling) : spelling);

/** Without inherited names, as `Object.create(null)`, but with properties as fast as those of any object. */
const BoundParams = function () {} as unknown as new () => Params; // a function is what a class comes to
BoundParams.prototype = Object.create(null);

/** All paths. */
export const ANY_PATH: PathPattern = new PathPattern('', [], 'free', true);

/**
 * @param path - As `get` and its kin take it.
 * @throws OptionError for what is no path: the sentence says which segment, and why.
 */
export const patternFrom = (path: string): PathPattern => {
  const texts = textsOf(path);
  const hasRest = texts[texts.length - 1] === '*';
  if (hasRest) texts.pop();
  const segments = texts.map((text, i) => segmentFrom(text, path, i === texts.length - 1 && !hasRest));
  return new PathPattern(path, withoutDuplicates(segments, path), hasRest ? 'bound' : 'none', false);
};

/** A pattern that others stand behind. @throws OptionError as {@link patternFrom}, and for a slash or `*` at its end. */
export const prefixFrom = (path: string): PathPattern => {
  const texts = textsOf(path);
  if (texts[texts.length - 1] === '') throw wrong(path, 'a prefix ends without a slash, and is not empty');
  if (texts.includes('*')) throw wrong(path, '* cannot stand in a prefix');
  const segments = texts.map((text) => segmentFrom(text, path, false));
  return new PathPattern(path, withoutDuplicates(segments, path), 'none', false);
};

const textsOf = (path: string): string[] => {
  if (typeof path !== 'string') throw new OptionError('path', `is a ${typeof path}, must be a string`);
  if (!path.startsWith('/')) throw wrong(path, 'it must begin with a slash');
  return path.slice(1).split('/');
};

const segmentFrom = (text: string, path: string, mayBeEmpty: boolean): Segment => {
  if (text.startsWith(':')) {
    const name = text.slice(1);
    if (!NAME.test(name)) throw wrong(path, `"${text}" is no param: a colon, a letter, then letters, digits, - and _`);
    return { name };
  }
  if (text === '' && !mayBeEmpty) throw wrong(path, 'it has an empty segment');
  if (text === '*') throw wrong(path, '* must be its last segment');
  const special = SPECIAL.exec(text);
  if (special !== null)
    throw wrong(path, `"${special[0]}" has no meaning inside a segment; the character itself is ${escapeOf(special[0])}`);
  const literal = unescaped(text, path);
  if (isDotSegment(literal)) throw wrong(path, `no request has the segment "${text}"`);
  return { text: spellingOf(literal) };
};

const NAME = /^[A-Za-z_][\w-]*$/;
const SPECIAL = /[:*?#(){}\\\s]/;

const escapeOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

const unescaped = (text: string, path: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(path, `"${text}" is no percent-encoded text; a percent sign is %25`);
  }
};

const withoutDuplicates = (segments: readonly Segment[], path: string): readonly Segment[] => {
  const names = segments.flatMap((segment) => ('name' in segment ? [segment.name] : []));
  const duplicate = names.find((name, i) => names.indexOf(name) !== i);
  if (duplicate !== undefined) throw wrong(path, `it binds :${duplicate} twice`);
  return segments;
};

const wrong = (path: string, why: string): OptionError => new OptionError('path', `is ${JSON.stringify(path)}: ${why}`);

/** `.` or `..`, also among slashes that were encoded: what a file system would climb by. */
export const isDotSegment = (segment: string): boolean => DOT_SEGMENT.test(segment);

const DOT_SEGMENT = /(?:^|[/\\])\.\.?(?:[/\\]|$)/;
