/** What `worker_threads` lets a thread use. */

const NAMES: readonly string[] = ['maxOldGenerationSizeMb', 'maxYoungGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'];

/** Says what is wrong with limits, or `null`: Node.js passes over names that it does not know. */
export const complaintAboutLimits = (value: unknown): string | null => {
  const isMap =
    typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
  const isLegal =
    isMap && Object.entries(value).every(([name, size]) => NAMES.includes(name) && typeof size === 'number' && size > 0 && size < Infinity);
  return isLegal ? null : `must be an object with sizes in MB: ${NAMES.join(', ')}`;
};
