/** How much may wait for one client, and what happens past it: the same options wherever something is sent. */
import { integerOption } from '../number-option.js';
import type { QueueLimits } from './outbound-queue.js';
import { checkOverflow, disconnect, type OverflowPolicy } from './overflow.js';

/** Options of what waits for one client; all have defaults. */
export interface QueueOptions<T> {
  /** What happens when more is sent than may wait. Default: `disconnect()`. */
  readonly overflow?: OverflowPolicy<T> | undefined;
  /** Messages that may wait for a slow client; past it the overflow policy decides. Default 20 480. */
  readonly queueSize?: number | undefined;
  /** Octets that may wait for a slow client; past it the overflow policy decides. A larger message may wait alone. Default 1 048 576. */
  readonly maxBufferedBytes?: number | undefined;
}

export const QUEUE_DEFAULTS: { readonly overflow: OverflowPolicy<unknown>; readonly queueSize: number; readonly maxBufferedBytes: number } =
  {
    overflow: disconnect(),
    queueSize: 20_480,
    maxBufferedBytes: 1_048_576,
  };

/** @throws {@link OptionError} for a policy that is none, and for a limit that is no positive integer. */
export const queueLimitsFrom = <T>({
  overflow = QUEUE_DEFAULTS.overflow,
  queueSize,
  maxBufferedBytes,
}: QueueOptions<T>): QueueLimits<T> => {
  checkOverflow(overflow);
  return {
    overflow,
    queueSize: integerOption('queueSize', queueSize, QUEUE_DEFAULTS.queueSize, 1, Infinity),
    maxBufferedBytes: integerOption('maxBufferedBytes', maxBufferedBytes, QUEUE_DEFAULTS.maxBufferedBytes, 1, Infinity),
  };
};
