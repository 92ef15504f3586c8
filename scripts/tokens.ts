/**
 * TypeScript text cut into tokens: enough to read imports, declarations and doc comments, no more.
 *
 * Owns: where comments, strings, templates and regular expressions begin and end.
 * Leaves: every meaning to its callers. It throws where it loses track, so that no check passes on text it did not understand.
 */
export type TokenKind = 'comment' | 'string' | 'template' | 'regex' | 'word' | 'mark';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Index of the first character. */
  readonly start: number;
}

const WORD = /[\p{ID_Start}\d$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const SPACE = /\s+/y;
/** After these words a slash begins a regular expression; after any other word it divides. */
const BEFORE_REGEX = new Set(['return', 'typeof', 'case', 'in', 'of', 'do', 'else', 'void', 'delete', 'throw', 'await', 'yield', 'new']);

/** The tokens of `text`, comments among them, white space left out. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let last: Token | undefined;
  let at = 0;
  while (at < text.length) {
    const end = endOf(SPACE, text, at);
    if (end > at) {
      at = end;
      continue;
    }
    const token = tokenAt(text, at, last);
    tokens.push(token);
    if (token.kind !== 'comment') last = token;
    at += token.text.length;
  }
  return tokens;
}

/** The tokens that the compiler acts on. */
export function codeTokensOf(text: string): Token[] {
  return tokensOf(text).filter((token) => token.kind !== 'comment');
}

/** What stands between the quotes of a string token that has no escapes. */
export function unquoted(token: Token): string {
  return token.text.slice(1, -1);
}

function tokenAt(text: string, start: number, last: Token | undefined): Token {
  const token = (kind: TokenKind, end: number): Token => ({ kind, text: text.slice(start, end), start });
  const c = text[start];
  if (c === '/' && text[start + 1] === '/') return token('comment', lineEnd(text, start));
  if (c === '#' && start === 0 && text[1] === '!') return token('comment', lineEnd(text, start));
  if (c === '/' && text[start + 1] === '*') return token('comment', after(text, '*/', start + 2));
  if (c === "'" || c === '"') return token('string', quotedEnd(text, start, c));
  if (c === '`') return token('template', templateEnd(text, start));
  if (c === '/' && regexMayFollow(last)) return token('regex', regexEnd(text, start));
  const wordEnd = endOf(WORD, text, start);
  return wordEnd > start ? token('word', wordEnd) : token('mark', start + 1);
}

function regexMayFollow(last: Token | undefined): boolean {
  if (last === undefined) return true;
  if (last.kind === 'word') return BEFORE_REGEX.has(last.text);
  return last.kind === 'mark' && !')]}'.includes(last.text);
}

function quotedEnd(text: string, start: number, quote: string): number {
  for (let i = start + 1; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i + 1;
  }
  return lost(text, start, 'string');
}

function templateEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length) {
    if (text[i] === '`') return i + 1;
    if (text[i] === '\\') i += 2;
    else if (text[i] === '$' && text[i + 1] === '{') i = bracesEnd(text, i + 2);
    else i++;
  }
  return lost(text, start, 'template');
}

/** The index behind the brace that closes a `${`. */
function bracesEnd(text: string, start: number): number {
  let depth = 1;
  let last: Token | undefined;
  let i = start;
  while (i < text.length) {
    const space = endOf(SPACE, text, i);
    if (space > i) {
      i = space;
      continue;
    }
    last = tokenAt(text, i, last);
    i += last.text.length;
    if (last.text === '{') depth++;
    else if (last.text === '}' && --depth === 0) return i;
  }
  return lost(text, start, 'template');
}

function regexEnd(text: string, start: number): number {
  let inClass = false;
  for (let i = start + 1; i < text.length && text[i] !== '\n'; i++) {
    const c = text[i];
    if (c === '\\') i++;
    else if (c === '[') inClass = true;
    else if (c === ']') inClass = false;
    else if (c === '/' && !inClass) return Math.max(i + 1, endOf(WORD, text, i + 1));
  }
  return lost(text, start, 'regular expression');
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? lost(text, from, 'comment') : at + mark.length;
}

function lost(text: string, start: number, what: string): never {
  throw new SyntaxError(`line ${text.slice(0, start).split('\n').length}: ${what} without an end`);
}
