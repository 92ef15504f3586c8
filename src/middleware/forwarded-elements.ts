/** The `forwarded` field, RFC 7239 §4, read from its end: what stands at its beginning was written by the client. */

/** One hop: parameter names in lower case → values, quotes taken off. */
export type ForwardedElement = ReadonlyMap<string, string>;

/**
 * The elements, the last one first, up to the first that is malformed: nothing before that can be told apart from it.
 */
export function* forwardedElements(field: string): Generator<ForwardedElement> {
  let end = field.length;
  while (end >= 0) {
    const comma = commaBefore(field, end);
    const element = elementFrom(field.slice(comma + 1, end).trim());
    if (element === null) return;
    if (element.size > 0) yield element;
    end = comma;
  }
}

/** The last comma outside of quotes; -1 where there is none. Backwards, so that a quote that a client has opened swallows nothing. */
const commaBefore = (field: string, end: number): number => {
  let isQuoted = false;
  for (let i = end - 1; i >= 0; i--) {
    const character = field[i];
    if (character === '"' && !isEscaped(field, i)) isQuoted = !isQuoted;
    else if (character === ',' && !isQuoted) return i;
  }
  return -1;
};

const isEscaped = (field: string, at: number): boolean => {
  let backslashes = 0;
  while (field[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
};

const PAIR = /^[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|$)/;

const elementFrom = (text: string): ForwardedElement | null => {
  const element = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const match = PAIR.exec(rest);
    if (match === null) return null;
    const name = match[1].toLowerCase();
    if (element.has(name)) return null; // §4: once in each element
    element.set(name, match[2] ?? match[3].replace(/\\(.)/g, '$1'));
    rest = rest.slice(match[0].length);
  }
  return element;
};
