/** What a group of processes tells of itself. */

export type ProcessEvent =
  /** One listens: at the start, in the place of one that crashed, or of one that is replaced. */
  | { readonly type: 'ready'; readonly process: number; readonly pid: number }
  /** One has ended that should not have. Another one starts `restartInMs` later. */
  | {
      readonly type: 'crashed';
      readonly process: number;
      readonly pid: number;
      /** `exit code 1`, `SIGKILL`. */
      readonly ending: string;
      /** Why it did not start, where that is known. */
      readonly error: Error | undefined;
      readonly restartInMs: number;
    }
  /** One has ended that was to end. `error` where it had to be killed. */
  | { readonly type: 'left'; readonly process: number; readonly pid: number; readonly ending: string; readonly error: Error | undefined }
  /** All have been replaced. */
  | { readonly type: 'replaced' }
  /** A replacement did not start: the one that it was to replace, and those behind it, go on. */
  | { readonly type: 'replace-failed'; readonly process: number; readonly error: Error };

/** One line for a console; `undefined` for what goes as it should. */
export const lineFrom = (event: ProcessEvent): string | undefined => {
  switch (event.type) {
    case 'crashed': {
      const { process, pid, ending, error, restartInMs } = event;
      const why = error === undefined ? '' : `: ${oneLine(error)}`;
      return `process ${process} (pid ${pid}) ended with ${ending}${why}; another one starts ${restartInMs === 0 ? 'now' : `in ${restartInMs} ms`}`;
    }
    case 'left':
      return event.error === undefined ? undefined : `process ${event.process} (pid ${event.pid}) ${oneLine(event.error)}: ${event.ending}`;
    case 'replace-failed':
      return `${oneLine(event.error)}; the old processes go on`;
    default:
      return undefined;
  }
};

const oneLine = ({ message }: Error): string => message.replaceAll('\n', ' ');
