/**
 * Diagrams beyond RxJS's own: how fast a client reads, and what came out, drawn again.
 *
 * Owns: the reading diagram, and the text of frames. Leaves: RxJS's marble syntax to `TestScheduler`.
 */
import { inspect } from 'node:util';
import { OptionError } from '../errors.js';

/** So many octets more may be taken from this frame on; `null` takes no more than was taken. */
export interface Reading {
  readonly frame: number;
  readonly octets: number | null;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1_024, M: 1_048_576 };

/**
 * Reads `--4k---*`: `-` is a frame, `4k` (octets, `k` KiB, `M` MiB) lets the client take so many more, `*` all from here on,
 * `0` nothing more. Every character is a frame and a size counts where it begins, so columns line up with other diagrams.
 * ` 5s ` between spaces lets time pass, `ms`, `s` or `m`, as in RxJS.
 *
 * @throws {@link OptionError} naming the column of what is none of these.
 */
export const readingsFrom = (diagram: string): readonly Reading[] => {
  const readings: Reading[] = [];
  let frame = 0;
  let i = 0;
  while (i < diagram.length) {
    const rest = diagram.slice(i);
    const time = /^(\d+(?:\.\d+)?)(ms|s|m)(?= |$)/.exec(rest);
    const size = /^(\d+)([kM]?)/.exec(rest);
    if (rest[0] === ' ') {
      i++;
    } else if (time !== null && (i === 0 || diagram[i - 1] === ' ')) {
      frame += Number(time[1]) * UNITS[time[2]];
      i += time[0].length;
    } else if (rest[0] === '-' || rest[0] === '*') {
      if (rest[0] === '*') readings.push({ frame, octets: Infinity });
      frame++;
      i++;
    } else if (size !== null) {
      const octets = Number(size[1]) * SIZES[size[2]];
      readings.push({ frame, octets: octets === 0 ? null : octets });
      frame += size[0].length;
      i += size[0].length;
    } else {
      throw new OptionError(
        'reads',
        `has ${JSON.stringify(rest[0])} in column ${i + 1}, must be -, octets (4k), * or a time between spaces`,
      );
    }
  }
  return readings;
};

/** One notification of an Observable, as `TestScheduler` records it. */
export interface Frame {
  readonly frame: number;
  readonly notification: { readonly kind: 'N' | 'E' | 'C'; readonly value?: unknown; readonly error?: unknown };
}

/** One subscription, as `TestScheduler` records it. */
export interface Span {
  readonly subscribedFrame: number;
  readonly unsubscribedFrame: number;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** More frames than this are written as a time. */
const MOST_DASHES = 24;

/** Letters for values: the same value has the same letter in every diagram that is drawn with it. */
export class Legend {
  private readonly letters: Map<string, string>;

  constructor() {
    this.letters = new Map();
  }

  letterOf(shown: string): string {
    const known = this.letters.get(shown);
    if (known !== undefined) return known;
    const letter = LETTERS[this.letters.size] ?? '?';
    this.letters.set(shown, letter);
    return letter;
  }

  /** One line for each letter. */
  get lines(): readonly string[] {
    return [...this.letters].map(([shown, letter]) => `${letter} = ${shown}`);
  }
}

/** Frames as the diagram that would have produced them. */
export const diagramOf = (frames: readonly Frame[], legend: Legend): string => {
  let diagram = '';
  let at = 0;
  for (let i = 0; i < frames.length;) {
    const { frame } = frames[i];
    let letters = '';
    for (; i < frames.length && frames[i].frame === frame; i++) letters += symbolOf(frames[i], legend);
    const group = letters.length > 1 ? `(${letters})` : letters;
    diagram += passing(frame - at) + group;
    at = frame + group.length;
  }
  return diagram.trim() === '' ? '-' : diagram.trim();
};

/** A subscription as RxJS draws it. */
export const spanText = ({ subscribedFrame, unsubscribedFrame }: Span): string => {
  if (subscribedFrame === Infinity) return '-';
  const start = `${passing(subscribedFrame)}^`;
  if (unsubscribedFrame === Infinity) return start.trim();
  if (unsubscribedFrame === subscribedFrame) return `${passing(subscribedFrame)}(^!)`.trim();
  return `${start}${passing(unsubscribedFrame - subscribedFrame - 1)}!`.trim();
};

const symbolOf = ({ notification }: Frame, legend: Legend): string => {
  if (notification.kind === 'C') return '|';
  return notification.kind === 'E' ? '#' : legend.letterOf(shown(notification.value));
};

/** Behind a group, which is wider than its instant, the next item may stand too early to be drawn in its column. */
const passing = (frames: number): string => {
  if (frames <= MOST_DASHES) return '-'.repeat(Math.max(0, frames));
  return frames % 1_000 === 0 ? ` ${frames / 1_000}s ` : ` ${frames}ms `;
};

/** One frame as a line: `12 ms a`. */
export const lineOf = ({ frame, notification }: Frame, legend: Legend): string => {
  const { kind, value, error } = notification;
  if (kind === 'C') return `${frame} ms |`;
  return kind === 'N' ? `${frame} ms ${legend.letterOf(shown(value))}` : `${frame} ms # ${shown(error)}`;
};

const MOST_CHARACTERS = 300;
const ENDS = 120;

/** A value in one line; of a long one its ends and its length. */
export const shown = (value: unknown): string => {
  const text = textOf(value);
  if (text.length <= MOST_CHARACTERS) return text;
  return `${text.slice(0, ENDS)} … ${text.slice(-ENDS)} (${text.length} characters)`;
};

const textOf = (value: unknown): string => {
  if (value instanceof Error) return `${value.name}${'code' in value ? ` [${String(value.code)}]` : ''}: ${value.message}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  return isJson(value, 0) ? JSON.stringify(value) : inspect(value, { breakLength: Infinity, compact: true, depth: MOST_DEPTH });
};

const MOST_DEPTH = 8;

/** JSON says all there is of it; of `undefined`, `NaN`, a Map or a cycle it would not. */
const isJson = (value: unknown, depth: number): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > MOST_DEPTH) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((inner) => isJson(inner, depth + 1));
};
