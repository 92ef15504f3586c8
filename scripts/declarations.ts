/**
 * What a declaration file declares, imports and passes on, statement by statement.
 *
 * Owns: cutting `.d.ts` text, as the compiler writes it, into statements. Leaves: following names from file to file, to `report-api.ts`.
 */
import { codeTokensOf, tokensOf, unquoted, type Token } from './tokens.js';

export interface Declaration {
  readonly name: string;
  readonly exported: boolean;
  /** Without comments, private members and `export declare`. */
  readonly text: string;
  /** The words that may name another declaration. */
  readonly words: readonly string[];
  /** The specifiers of `import('…')` types. */
  readonly inlineImports: readonly string[];
}

/** A name that stands for another file's. `source` is undefined where `export { a as b }` renames within the file. */
export interface Link {
  readonly name: string;
  /** `*` for a whole module. */
  readonly original: string;
  readonly source: string | undefined;
}

export interface DeclarationFile {
  readonly declarations: readonly Declaration[];
  readonly imports: readonly Link[];
  readonly exports: readonly Link[];
  /** The sources of `export * from`. */
  readonly stars: readonly string[];
}

const MODIFIERS = new Set(['export', 'declare', 'abstract', 'async']);
const KEYWORDS = new Set(['interface', 'class', 'type', 'const', 'let', 'var', 'function', 'enum', 'namespace']);
/** Their statements end with a brace, all others with a semicolon. */
const BRACED = new Set(['interface', 'class', 'enum', 'namespace']);

export function declarationsIn(text: string): DeclarationFile {
  const plain = withoutComments(text);
  const file = { declarations: [] as Declaration[], imports: [] as Link[], exports: [] as Link[], stars: [] as string[] };
  for (const tokens of statementsOf(codeTokensOf(plain))) {
    const words = tokens.map((token) => token.text);
    const source = tokens.at(-2)?.kind === 'string' && words.at(-3) === 'from' ? unquoted(tokens.at(-2) as Token) : undefined;
    const passedOn = words[0] === 'export' ? words[words[1] === 'type' ? 2 : 1] : undefined;
    if (words[0] === 'import') file.imports.push(...linksOf(words, source));
    else if (passedOn === '*' && source !== undefined) file.stars.push(source);
    else if (passedOn === '{') file.exports.push(...linksOf(words, source));
    else file.declarations.push(declarationOf(plain, tokens));
  }
  return file;
}

/** `text` without its comments and without the lines that held nothing else. */
export function withoutComments(text: string): string {
  let plain = '';
  let from = 0;
  for (const token of tokensOf(text)) {
    if (token.kind !== 'comment') continue;
    plain += text.slice(from, token.start);
    from = token.start + token.text.length;
  }
  return (plain + text.slice(from))
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trim();
}

function statementsOf(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  for (const token of tokens) {
    current.push(token);
    if (token.kind !== 'mark') continue;
    if ('{(['.includes(token.text)) depth++;
    if ('})]'.includes(token.text)) depth--;
    if (depth > 0 || (token.text !== ';' && !(token.text === '}' && BRACED.has(keywordOf(current).text)))) continue;
    statements.push(current);
    current = [];
  }
  if (current.length > 0) throw new SyntaxError(`a statement without an end: ${current.map((token) => token.text).join(' ')}`);
  return statements;
}

function keywordOf(statement: readonly Token[]): Token {
  return statement.find((token) => !MODIFIERS.has(token.text)) as Token;
}

function declarationOf(text: string, tokens: readonly Token[]): Declaration {
  const keyword = keywordOf(tokens);
  const name = tokens[tokens.indexOf(keyword) + 1];
  if (!KEYWORDS.has(keyword.text) || name?.kind !== 'word') {
    throw new SyntaxError(`not a declaration: ${tokens.map((token) => token.text).join(' ')}`);
  }
  const first = tokens.find((token) => token.text !== 'export' && token.text !== 'declare') as Token;
  const last = tokens[tokens.length - 1];
  const shown = withoutPrivates(text.slice(first.start, last.start + 1));
  const code = codeTokensOf(shown);
  return {
    name: name.text,
    exported: tokens[0].text === 'export',
    text: shown,
    words: code.filter((token, i) => token.kind === 'word' && code[i - 1]?.text !== '.').map((token) => token.text),
    inlineImports: code.filter((token, i) => token.kind === 'string' && code[i - 2]?.text === 'import').map(unquoted),
  };
}

/** The compiler writes private members on a line of their own, without types: they are nobody's business. */
function withoutPrivates(text: string): string {
  return text.replace(/^\s*(private |#private;).*\n/gm, '');
}

/** `import type A, { B as C } from`, `import * as D from`, `export { E as F }`. */
function linksOf(words: readonly string[], source: string | undefined): Link[] {
  const star = words.indexOf('*');
  if (star >= 0) return [{ name: words[star + 2], original: '*', source }];
  const open = words.indexOf('{');
  const close = words.indexOf('}');
  const links: Link[] = [];
  const byDefault = words.slice(1, open < 0 ? words.indexOf('from') : open).filter((word) => word !== 'type' && word !== ',');
  if (byDefault.length === 1) links.push({ name: byDefault[0], original: 'default', source });
  const inside = open < 0 ? '' : words.slice(open + 1, close).join(' ');
  for (const item of inside
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter(Boolean)) {
    const [original, name = original] = item.split(' as ');
    links.push({ name, original, source });
  }
  return links;
}
