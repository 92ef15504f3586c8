/** Code of pages as modules that a compiler takes. */
import { existsSync, readFileSync } from 'node:fs';

export interface CodeBlock {
  /** Of the page, from 1: where the code begins. */
  readonly line: number;
  readonly code: string;
}

/** A module, and what it exports. */
export interface Entry {
  readonly module: string;
  readonly names: ReadonlySet<string>;
}

/** The blocks of TypeScript of a page. */
export function codeBlocksOf(page: string): CodeBlock[] {
  return [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    line: page.slice(0, match.index).split('\n').length + 1,
    code: match[1],
  }));
}

/** What a declaration file exports by name. */
export function namesOf(path: string): ReadonlySet<string> {
  if (!existsSync(path)) throw new Error(`no file ${path}`);
  const lists = readFileSync(path, 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm);
  const names = [...lists].flatMap(([, list]) => list.split(','));
  return new Set(names.map((name) => name.replace(/^\s*type /, '').replace(/^.* as /, '').trim())); // prettier-ignore
}

/**
 * A block as a module: names that it neither imports nor declares are imported from the first of `entries` that has them, `…` is
 * anything, and a line that `// does not` compile must not. What no entry has is for `ambient/docs/names.d.ts` to declare.
 */
export function moduleFrom(code: string, entries: readonly Entry[]): string {
  const own = new Set([...importedBy(code), ...declaredBy(code)]);
  const words = new Set(withoutText(code).match(/(?<![\w$]|(?<!\.\.)\.)[A-Za-z_$][\w$]*/g) ?? []);
  const imports = new Map<string, string[]>();
  for (const word of words) {
    const entry = own.has(word) ? undefined : entries.find(({ names }) => names.has(word));
    if (entry !== undefined) imports.set(entry.module, [...(imports.get(entry.module) ?? []), word]);
  }
  const lines = [...imports].map(([module, names]) => `import { ${names.join(', ')} } from '${module}';`);
  const refused = code.replace(/^(?=.*\/\/ does not)/gm, '// @ts-expect-error the page says so\n');
  return `${lines.join(' ')} export {}; ${refused.replaceAll('…', '(undefined as never)')}`;
}

const importedBy = (code: string): string[] =>
  [...code.matchAll(/^import \{([^}]*)\}/gm)].flatMap(([, list]) => list.split(',')).map((name) => name.replace(/^\s*type /, '').trim());

const declaredBy = (code: string): string[] =>
  [...code.matchAll(/^(?:const|function|interface|type|class|let) (\w+\$?)/gm)].map(([, name]) => name);

/** Without comments and what stands in quotes, but with what a template computes. */
const withoutText = (code: string): string => code.replace(/\/\/.*$/gm, '').replace(/'[^'\n]*'/g, "''");
