/**
 * The paths of routes: `/users/:id/*`, read once, and held against requests.
 *
 * Owns: what a pattern may say, which paths it means, which params it binds. Leaves: finding the patterns that may
 * match among many to `route-table.ts`.
 */
import { OptionError } from '../errors.js';

/** Names → decoded values, null prototype; what `*` stands for is under `*`. */
export type Params = Record<string, string>;

/** The names that a path's text binds: `'/users/:id/*'` binds `'id' | '*'`. */
export type ParamNames<P extends string> = P extends `${infer Segment}/${infer Rest}`
  ? ParamName<Segment> | ParamNames<Rest>
  : ParamName<P>;
type ParamName<Segment extends string> = Segment extends `:${infer Name}` ? Name : Segment extends '*' ? '*' : never;

/** The params of a path, as its text says: `ParamsOf<'/users/:id'>` is `{ readonly id: string }`. */
export type ParamsOf<P extends string> = string extends P ? Readonly<Params> : { readonly [Name in ParamNames<P>]: string };

interface Literal {
  /** Decoded. */
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

  /** Which paths this means, whatever the names of its params are: decoded text, or `undefined` for a param. */
  get shape(): PathShape {
    const segments = this.segments.map((segment) => ('text' in segment ? segment.text : undefined));
    return { segments, hasRest: this.rest !== 'none' };
  }

  /**
   * @param path - Decoded segments.
   * @param params - Bound before, by what stands around; null for none.
   * @returns null where the path is another.
   */
  bind(path: readonly string[], params: Readonly<Params> | null): Params | null {
    const { segments } = this;
    const { length } = segments;
    const extra = path.length - length;
    if (this.rest !== 'none' ? extra < (this.mayEndBare ? 0 : 1) : extra !== 0 && !(extra === -1 && this.mayEndBare)) return null;
    const bound = Object.create(null) as Params; // Object.create is typed any
    if (params !== null) for (const name in params) bound[name] = params[name];
    const compared = extra < 0 ? length - 1 : length;
    for (let i = 0; i < compared; i++) {
      const segment = segments[i];
      if ('text' in segment) {
        if (segment.text !== path[i]) return null;
      } else {
        if (path[i] === '') return null;
        bound[segment.name] = path[i];
      }
    }
    if (this.rest === 'bound') {
      const rest = extra === 1 ? path[length] : path.slice(length).join('/');
      if (rest.charCodeAt(0) === SLASH) return null;
      bound['*'] = rest;
    }
    return bound;
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
  const literal = decoded(text, path);
  if (isDotSegment(literal)) throw wrong(path, `no request has the segment "${text}"`);
  return { text: literal };
};

const NAME = /^[A-Za-z_][\w-]*$/;
const SPECIAL = /[:*?#(){}\\\s]/;

const escapeOf = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

const decoded = (text: string, path: string): string => {
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
