/**
 * RxJS's scheduler for tests, that knows what was expected where.
 *
 * Owns: the name of each expectation and the line it stands on, and that none of them says nothing. Leaves: comparing to
 * `assert-frames.ts`.
 */
import type { Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { assertFrames, MarbleError } from './assert-frames.js';

/** What may be asked of an expectation, as RxJS has it. */
type Observed<T> = ReturnType<typeof TestScheduler.prototype.expectObservable<T>>;
type Subscribed = ReturnType<TestScheduler['expectSubscriptions']>;

/** A function whose caller is the one to name. */
type Callee = (...given: never[]) => unknown;

interface Registered {
  readonly name: string;
  /** The frames of a stack, where it was made or, later, told what to be. */
  site: string;
  isReady: boolean;
}

export class MarbleScheduler extends TestScheduler {
  private readonly registered: Registered[];

  constructor(registered: Registered[] = []) {
    super((actual: unknown, expected: unknown) => compare(registered, actual, expected));
    this.registered = registered;
  }

  override expectObservable<T>(source$: Observable<T>, subscription?: string | null): Observed<T> {
    return this.observed('expectObservable', super.expectObservable(source$, subscription), this.expectObservable as Callee); // of any values
  }

  override expectSubscriptions(actual: Parameters<TestScheduler['expectSubscriptions']>[0]): Subscribed {
    const { toBe } = super.expectSubscriptions(actual);
    const registered = this.register('expectSubscriptions', this.expectSubscriptions);
    const told: Subscribed['toBe'] = (diagrams) => {
      ready(registered, told);
      toBe(diagrams);
    };
    return { toBe: told };
  }

  /** `expectObservable` by another name. @param callee - What the test has called. */
  expectAs(name: string, source$: Observable<unknown>, callee: Callee): Observed<unknown> {
    return this.observed(name, super.expectObservable(source$), callee);
  }

  /** @throws {@link MarbleError} for an expectation that was never told what to be: it could not fail. */
  assertAllTold(): void {
    for (const { name, site, isReady } of this.registered) {
      if (!isReady) throw errorAt(`${name}(…) without toBe: it compares nothing`, site, '', '');
    }
  }

  private observed<T>(name: string, { toBe, toEqual }: Observed<T>, callee: Callee): Observed<T> {
    const registered = this.register(name, callee);
    const toldToBe: Observed<T>['toBe'] = (...given) => {
      ready(registered, toldToBe);
      toBe(...given);
    };
    const toldToEqual: Observed<T>['toEqual'] = (other$) => {
      ready(registered, toldToEqual);
      toEqual(other$);
    };
    return { toBe: toldToBe, toEqual: toldToEqual };
  }

  private register(name: string, callee: Callee): Registered {
    const registered = { name, site: siteOf(callee), isReady: false };
    this.registered.push(registered);
    return registered;
  }
}

/** RxJS compares in the order in which expectations were made those that have been told. */
const compare = (registered: Registered[], actual: unknown, expected: unknown): void => {
  const at = registered.findIndex(({ isReady }) => isReady);
  const [next] = at < 0 ? [] : registered.splice(at, 1);
  try {
    assertFrames(actual, expected);
  } catch (error) {
    if (next === undefined || !(error instanceof MarbleError)) throw error;
    throw errorAt(`${next.name}: ${error.message}`, next.site, error.actual, error.expected);
  }
};

const ready = (registered: Registered, callee: Callee): void => {
  registered.isReady = true;
  registered.site = siteOf(callee);
};

/** The frames of the stack above a call. */
const siteOf = (callee: Callee): string => {
  const here = new Error();
  Error.captureStackTrace(here, callee);
  return framesOf(here);
};

const errorAt = (message: string, site: string, actual: string, expected: string): MarbleError => {
  const error = new MarbleError(message, actual, expected);
  error.stack = `${error.name}: ${message}\n${site}`;
  return error;
};

/** The frames of an error's stack, without its message. */
export const framesOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
