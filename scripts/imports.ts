/**
 * The modules that a TypeScript text names: imports, re-exports, dynamic imports and `import('…')` types.
 *
 * Owns: which specifiers there are and whether only types cross. Leaves: where a specifier leads, to its callers.
 */
import { codeTokensOf, unquoted, type Token } from './tokens.js';

export interface ModuleReference {
  readonly specifier: string;
  readonly kind: 'import' | 'export' | 'dynamic';
  /** The whole statement says `type`. `import { type A }` does not count: it is still loaded at run time. */
  readonly typeOnly: boolean;
  /** What an `import { … }` takes, by its original name; empty where it takes the whole module. */
  readonly names: readonly string[];
}

export function referencesIn(text: string): ModuleReference[] {
  const tokens = codeTokensOf(text);
  const references: ModuleReference[] = [];
  tokens.forEach((token, i) => {
    if (token.kind !== 'word' || tokens[i - 1]?.text === '.') return;
    const reference =
      token.text === 'import' || token.text === 'require'
        ? importAt(tokens, i)
        : token.text === 'export'
          ? reexportAt(tokens, i)
          : undefined;
    if (reference !== undefined) references.push(reference);
  });
  return references;
}

function importAt(tokens: readonly Token[], i: number): ModuleReference | undefined {
  const next = tokens[i + 1];
  if (next?.text === '(') {
    const argument = tokens[i + 2];
    return argument?.kind === 'string' ? { specifier: unquoted(argument), kind: 'dynamic', typeOnly: false, names: [] } : undefined;
  }
  if (tokens[i].text === 'require' || next === undefined || next.text === '.' || next.text === ':') return undefined;
  if (next.kind === 'string') return { specifier: unquoted(next), kind: 'import', typeOnly: false, names: [] };
  const specifier = fromAfter(tokens, i + 1);
  const typeOnly = next.text === 'type' && tokens[i + 2].text !== 'from' && tokens[i + 2].text !== ',';
  return specifier === undefined ? undefined : { specifier, kind: 'import', typeOnly, names: namesAfter(tokens, i + 1) };
}

function reexportAt(tokens: readonly Token[], i: number): ModuleReference | undefined {
  const typeOnly = tokens[i + 1]?.text === 'type' && ['{', '*'].includes(tokens[i + 2]?.text);
  const first = i + (typeOnly ? 2 : 1);
  if (tokens[first]?.text === '*') {
    const specifier = fromAfter(tokens, first);
    return specifier === undefined ? undefined : { specifier, kind: 'export', typeOnly, names: [] };
  }
  if (tokens[first]?.text !== '{') return undefined;
  const close = tokens.findIndex((token, at) => at > first && token.text === '}');
  const [from, module] = tokens.slice(close + 1, close + 3);
  return from?.text === 'from' && module?.kind === 'string'
    ? { specifier: unquoted(module), kind: 'export', typeOnly, names: [] }
    : undefined;
}

/** The string behind the next `from`, which stands before the statement's end. */
function fromAfter(tokens: readonly Token[], start: number): string | undefined {
  for (let i = start; i < tokens.length && tokens[i].text !== ';'; i++) {
    if (tokens[i].text === 'from' && tokens[i + 1]?.kind === 'string') return unquoted(tokens[i + 1]);
  }
  return undefined;
}

/** The names between the braces that begin at `start` or behind a `type`. */
function namesAfter(tokens: readonly Token[], start: number): string[] {
  const open = tokens[start].text === 'type' ? start + 1 : start;
  if (tokens[open].text !== '{') return [];
  const close = tokens.findIndex((token, at) => at > open && token.text === '}');
  return tokens
    .slice(open + 1, close)
    .filter(
      (token, at, inside) => token.kind === 'word' && inside[at - 1]?.text !== 'as' && token.text !== 'as' && !isTypeModifier(inside, at),
    )
    .map((token) => token.text);
}

function isTypeModifier(tokens: readonly Token[], at: number): boolean {
  return tokens[at].text === 'type' && tokens[at + 1]?.kind === 'word';
}
