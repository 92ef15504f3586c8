/** What a browser is told not to do with a reply. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { giveDefaultFields } from './default-fields.js';

/** Options of {@link xHeaders}; `false` leaves a field away. */
export interface XHeadersOptions {
  /** `x-frame-options`: who may show a reply in a frame. Default `sameorigin`. */
  readonly frameOptions?: 'deny' | 'sameorigin' | false | undefined;
  /** `x-content-type-options`: a script must say that it is one. Default `nosniff`. */
  readonly contentTypeOptions?: 'nosniff' | false | undefined;
  /** `x-xss-protection`, which today's browsers do not know, and which made holes in those that did. Default `false`. */
  readonly xssProtection?: '0' | '1' | '1; mode=block' | false | undefined;
}

const FIELDS = {
  frameOptions: { name: 'x-frame-options', values: ['deny', 'sameorigin', false], byDefault: 'sameorigin' },
  contentTypeOptions: { name: 'x-content-type-options', values: ['nosniff', false], byDefault: 'nosniff' },
  xssProtection: { name: 'x-xss-protection', values: ['0', '1', '1; mode=block', false], byDefault: false },
} as const;

/** Adds `x-frame-options`, `x-content-type-options` and, if asked, `x-xss-protection` to all replies, errors included. */
export const xHeaders = (options: XHeadersOptions = {}): Middleware => {
  knownOptions(options, Object.keys(FIELDS));
  const fields: Record<string, string> = {};
  for (const [option, { name, values, byDefault }] of Object.entries(FIELDS)) {
    const value = options[option as keyof XHeadersOptions] ?? byDefault; // a key of FIELDS is one of the options
    if (!(values as readonly unknown[]).includes(value))
      throw new OptionError(option, `is ${String(value)}, must be one of ${values.join(', ')}`);
    if (value !== false) fields[name] = value;
  }
  return function xHeaders(handler: Handler): Handler {
    return giveDefaultFields(handler, () => fields);
  };
};
