/** The end of a Subject whose subscribers belong to the application. */
import type { Subject } from 'rxjs';

/**
 * Completes it for all its subscribers. RxJS throws what the finalizer of one of them throws, and leaves the rest out: here that is
 * reported, and they hear of the end too.
 */
export const completeAll = <T>(subject: Subject<T>, report: (error: unknown) => void): void => {
  for (;;) {
    try {
      return subject.complete();
    } catch (error) {
      report(error);
      if (subject.observers.length === 0) return;
      subject.isStopped = false; // whose finalizer threw is no observer any more: the next round is for the rest
    }
  }
};
