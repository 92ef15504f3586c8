/** Errors as plain data, for the way from one process to another. */
import { messageOf } from '../errors.js';

export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly cause: PlainError | undefined;
}

/** More causes behind causes than this are not told. */
const MAX_CAUSES = 8;

/** Never throws, and gives nothing that cannot be cloned: properties of an application's errors may be anything. */
export const plainFrom = (thrown: unknown, depth: number = MAX_CAUSES): PlainError => {
  try {
    if (thrown instanceof Error) return plainError(thrown, depth);
  } catch {
    // what cannot be read is told as far as it can be shown
  }
  return { name: 'Error', message: messageOf(thrown), stack: undefined, code: undefined, cause: undefined };
};

const plainError = (error: Error, depth: number): PlainError => {
  const { name, message, stack, cause } = error;
  const code = 'code' in error && error.code !== undefined ? messageOf(error.code) : undefined;
  const hasCause = cause !== undefined && cause !== null && depth > 0;
  return {
    name: messageOf(name),
    message: messageOf(message),
    stack: stack === undefined ? undefined : messageOf(stack),
    code,
    cause: hasCause ? plainFrom(cause, depth - 1) : undefined,
  };
};

/** An `Error` with the name, stack and code of the one that was thrown elsewhere; not of its class. */
export const errorFrom = ({ name, message, stack, code, cause }: PlainError): Error => {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorFrom(cause) });
  Object.defineProperty(error, 'name', { value: name, configurable: true });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true });
  return code === undefined ? error : Object.assign(error, { code });
};
