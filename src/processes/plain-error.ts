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

export const plainFrom = (thrown: unknown, depth: number = MAX_CAUSES): PlainError => {
  if (!(thrown instanceof Error)) return { name: 'Error', message: messageOf(thrown), stack: undefined, code: undefined, cause: undefined };
  const { name, message, stack, cause } = thrown;
  const code = 'code' in thrown ? messageOf(thrown.code) : undefined;
  const hasCause = cause !== undefined && cause !== null && depth > 0;
  return { name: messageOf(name), message: messageOf(message), stack, code, cause: hasCause ? plainFrom(cause, depth - 1) : undefined };
};

/** An `Error` with the name, stack and code of the one that was thrown elsewhere; not of its class. */
export const errorFrom = ({ name, message, stack, code, cause }: PlainError): Error => {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorFrom(cause) });
  Object.defineProperty(error, 'name', { value: name, configurable: true });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true });
  return code === undefined ? error : Object.assign(error, { code });
};
