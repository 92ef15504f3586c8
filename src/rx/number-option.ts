/** The checks that options meet when they are given, before there is a client. */
import { messageOf, OptionError } from '../errors.js';

/** @throws {@link OptionError} for options that are none, or of which one has a name that is unknown. */
export const knownOptions = (options: object, names: readonly string[]): void => {
  if (typeof options !== 'object' || options === null) throw new OptionError('options', `is ${messageOf(options)}, must be an object`);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new OptionError(name, `is not an option; the options are ${names.join(', ')}`);
  }
};

/**
 * An integer from `least` to `most`, which may be Infinity.
 *
 * @throws {@link OptionError} for anything else; `undefined` means the default.
 */
export const integerOption = (name: string, value: unknown, byDefault: number, least: number, most: number): number => {
  if (value === undefined) return byDefault;
  const isLegal = typeof value === 'number' && value >= least && value <= most && (value === Infinity || Number.isInteger(value));
  if (isLegal) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : messageOf(value); // what is wrong with '5' is its quotes
  throw new OptionError(name, `is ${shown}, must be an integer from ${least} to ${most}`);
};
