/** Marble tests in virtual time, with frames that can be read when one fails. */
import { AssertionError, expect } from 'chai';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { VirtualClock } from '#src/testing/virtual-clock.js';

export interface MarbleHelpers extends RunHelpers {
  readonly scheduler: TestScheduler;
  /** The server's time, driven by the same scheduler. */
  readonly clock: VirtualClock;
}

/**
 * Runs a marble test. One frame is one millisecond; longer waits are written `5s`. Values are compared deeply, errors by
 * their class, message and code.
 */
export const marbles = <T>(body: (helpers: MarbleHelpers) => T): T => {
  const scheduler = new TestScheduler(assertSame);
  return scheduler.run((helpers) => body({ ...helpers, scheduler, clock: new VirtualClock(scheduler) }));
};

const assertSame = (actual: unknown, expected: unknown): void => {
  try {
    expect(actual).to.deep.equal(expected);
  } catch {
    throw new AssertionError('frames differ', { actual: readable(actual), expected: readable(expected), showDiff: true });
  }
};

interface Frame {
  readonly frame: number;
  readonly notification: { readonly kind: 'N' | 'E' | 'C'; readonly value?: unknown; readonly error?: unknown };
}

interface Span {
  readonly subscribedFrame: number;
  readonly unsubscribedFrame: number;
}

/** One line for each frame or subscription. */
export const readable = (records: unknown): string => {
  if (!Array.isArray(records)) return String(records);
  return (records as readonly (Frame | Span)[]).map((record) => ('frame' in record ? lineOf(record) : spanOf(record))).join('\n'); // what TestScheduler compares
};

const lineOf = ({ frame, notification }: Frame): string => {
  const { kind, value, error } = notification;
  if (kind === 'C') return `${frame} ms |`;
  return kind === 'N' ? `${frame} ms ${shown(value)}` : `${frame} ms # ${shown(error)}`;
};

const spanOf = ({ subscribedFrame, unsubscribedFrame }: Span): string => `^ ${subscribedFrame} ms  ! ${unsubscribedFrame} ms`;

const shown = (value: unknown): string => {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
};
