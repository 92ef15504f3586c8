/** What a marble test compares, and what it says where that differs: diagrams and text, for any test runner. */
import { isDeepStrictEqual } from 'node:util';
import { diagramOf, type Frame, Legend, lineOf, type Span, spanText } from './marble-diagram.js';

/** Frames or subscriptions that differ. Its message says all; `actual` and `expected` are for tools that look for them. */
export class MarbleError extends Error {
  readonly code = 'ERR_ASSERTION';
  readonly actual: string;
  readonly expected: string;
  /** The difference is in the message already. */
  readonly showDiff = false;

  constructor(message: string, actual: string, expected: string) {
    super(message);
    this.actual = actual;
    this.expected = expected;
  }

  override get name(): string {
    return 'AssertionError';
  }
}

/**
 * For `new TestScheduler(assertFrames)`: values are compared deeply, errors by class, message and code.
 *
 * @throws {@link MarbleError} with both as diagrams, a legend, and the lines that differ.
 */
export const assertFrames = (actual: unknown, expected: unknown): void => {
  if (isDeepStrictEqual(comparable(actual), comparable(expected))) return;
  throw differenceOf(actual, expected);
};

const differenceOf = (actual: unknown, expected: unknown): MarbleError => {
  if (!Array.isArray(actual) || !Array.isArray(expected)) return new MarbleError('values differ', String(actual), String(expected));
  const records = [actual, expected] as readonly (readonly (Frame | Span)[])[]; // what TestScheduler compares
  if (records.some((list) => list.some((record) => 'subscribedFrame' in record))) {
    const [was, wanted] = records.map((list) => (list as readonly Span[]).map(spanText)); // all of one kind, see above
    return new MarbleError(
      ['subscriptions differ', '', ...drawn('expected', wanted), ...drawn('actual  ', was)].join('\n'),
      was.join('\n'),
      wanted.join('\n'),
    );
  }
  const [was, wanted] = records as readonly (readonly Frame[])[]; // not subscriptions
  const legend = new Legend();
  const diagrams = [...drawn('expected', [diagramOf(wanted, legend)]), ...drawn('actual  ', [diagramOf(was, legend)])];
  const lines = [was, wanted].map((frames) => frames.map((frame) => lineOf(frame, legend)));
  return new MarbleError(
    ['frames differ', '', ...diagrams, '', ...legend.lines.map((line) => `  ${line}`), '', ...difference(lines[0], lines[1])].join('\n'),
    lines[0].join('\n'),
    lines[1].join('\n'),
  );
};

const drawn = (name: string, diagrams: readonly string[]): string[] =>
  diagrams.length === 0 ? [`  ${name}  none`] : diagrams.map((diagram) => `  ${name}  ${diagram}`);

/** Lines of both in order: `-` stands in the expected only, `+` in the actual only. Wrong order shows as both. */
const difference = (actual: readonly string[], expected: readonly string[]): string[] => {
  const lines: string[] = [];
  let next = 0;
  for (const line of expected) {
    const found = actual.indexOf(line, next);
    if (found < 0) {
      lines.push(`- ${line}`);
      continue;
    }
    for (; next < found; next++) lines.push(`+ ${actual[next]}`);
    lines.push(`  ${line}`);
    next = found + 1;
  }
  return [...lines, ...actual.slice(next).map((line) => `+ ${line}`)];
};

/** Errors without their stacks, and objects without a prototype as ordinary ones. */
const comparable = (value: unknown, seen: ReadonlySet<unknown> = new Set()): unknown => {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  const inner = new Set(seen).add(value);
  if (value instanceof Error) {
    return { error: value.name, message: value.message, code: 'code' in value ? value.code : undefined };
  }
  if (Array.isArray(value)) return value.map((item: unknown) => comparable(item, inner));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item, inner)]));
};
