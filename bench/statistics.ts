/** The middle one; of an even count the mean of the two middle ones. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How far the samples lie apart: largest less smallest, as a part of the median. 0.05 is 5 %. */
export function spread(samples: readonly number[]): number {
  return (Math.max(...samples) - Math.min(...samples)) / median(samples);
}

/**
 * The median of the ratios round by round, not the ratio of the medians: what slows the machine down for a while slows down both
 * sides of the rounds it falls in.
 */
export function pairedRatio(samples: readonly number[], base: readonly number[]): number {
  return median(samples.map((sample, round) => sample / base[round]));
}

/** The smallest of the samples that `part` of them do not exceed: 0.99 is the 99th percentile. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}
