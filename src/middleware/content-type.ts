/** The content type of a reply, from the name that was asked for. */
import type mimeTypesPackage from 'mime-types';
import { extname } from 'node:path';
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import { isUpgrade, mapResponse } from './map-response.js';
import { withDefaultFields } from './response-fields.js';

/** Options of {@link contentType}. */
export interface ContentTypeOptions {
  /** Types of extensions, before all others: `{ '.foo': 'text/foo' }`. */
  readonly mimeTypes?: Readonly<Record<string, string>> | undefined;
}

/**
 * Gives replies without `content-type` the one that the extension of the path stands for; of an unknown extension it says nothing.
 *
 * The client chooses the extension: text that others wrote should have a type of its own, or `/comment.html` makes a page of it. Needs the package `mime-types`.
 */
export const contentType = (options: ContentTypeOptions = {}): Middleware => {
  knownOptions(options, ['mimeTypes']);
  const mimeTypes = optionalPackage<typeof mimeTypesPackage>('mime-types', 'contentType');
  const own = new Map(Object.entries(options.mimeTypes ?? {}));
  for (const extension of own.keys()) {
    if (!extension.startsWith('.')) throw new OptionError('mimeTypes', `has ${JSON.stringify(extension)}, an extension begins with a dot`);
  }
  return function contentType(handler: Handler): Handler {
    return mapResponse(handler, (response, { uri }) => {
      if (isUpgrade(response)) return response;
      const extension = extname(uri).toLowerCase();
      const type = own.get(extension) ?? mimeTypes.contentType(extension); // false for what nobody knows
      return type ? withDefaultFields(response, { 'content-type': type }) : response;
    });
  };
};
