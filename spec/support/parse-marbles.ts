/** RxJS's diagrams as frames of a millisecond, which they are only inside of a test scheduler's run. */
import { TestScheduler } from 'rxjs/testing';
import type { Frame, Span } from '#src/testing/marble-diagram.js';

const inRun = <T>(parse: () => T): T => new TestScheduler(() => {}).run(parse);

export const framesOf = (diagram: string, values?: Readonly<Record<string, unknown>>, error?: unknown): Frame[] =>
  inRun(() => TestScheduler.parseMarbles(diagram, values, error, false, true));

export const spanOf = (diagram: string): Span => inRun(() => TestScheduler.parseMarblesAsSubscriptions(diagram, true));
