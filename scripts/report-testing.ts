/**
 * `docs/testing.md`: a template whose directives are replaced by what the code says.
 *
 *     <!-- code: marble-tests/scenarios/pipelining.marbles.ts#pipelining -->    what stands between `// #region` and `// #endregion`
 *     <!-- members: src/testing/virtual-client.ts#ClientScript -->              a table of an interface, from its doc comments
 *     <!-- members: src/testing/marbles.ts#MarbleHelpers expect -->             of those whose names begin so
 *     <!-- message: name -->                                                    a text that was made while the page is
 *
 * Owns: the directives. Leaves: prose to the template, code to the tests.
 */
import { membersOf } from './report-options.js';

export interface PageSources {
  /** @throws Error for a file that is not there. */
  read(path: string): string;
  readonly messages: Readonly<Record<string, () => string>>;
}

const DIRECTIVE = /^<!-- (\w+): (\S+?)(?:#(\S+))?(?: (\S+))? -->$/gm;

/** @throws Error naming a directive, a region or an interface that is not there. */
export function pageFrom(template: string, { read, messages }: PageSources): string {
  return template.replace(DIRECTIVE, (directive, kind: string, path: string, name: string | undefined, prefix: string = '') => {
    if (kind === 'code' && name !== undefined) return `\`\`\`ts\n${regionOf(read(path), name)}\n\`\`\``;
    if (kind === 'members' && name !== undefined) return tableOf(read(path), name, prefix);
    if (kind === 'message' && path in messages) return `\`\`\`\n${messages[path]()}\n\`\`\``;
    throw new Error(`no such directive: ${directive}`);
  });
}

/** The lines of a region, moved to the left as far as they go, without the marks of wire twins. */
export function regionOf(text: string, name: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const end = lines.findIndex((line, i) => i > start && line.trim() === '// #endregion');
  if (start < 0 || end < 0) throw new Error(`no region ${name}`);
  const region = lines.slice(start + 1, end).filter((line) => !line.includes('// also on the wire:'));
  const indent = Math.min(...region.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return region.map((line) => line.slice(indent)).join('\n');
}

function tableOf(text: string, name: string, prefix: string): string {
  const rows = membersOf(text, name)
    .filter((member) => member.name.startsWith(prefix))
    .map((member) => {
      if (member.doc === '') throw new Error(`${name}.${member.name} has no doc comment`);
      return `| \`${member.name}\` | ${member.doc.replaceAll('|', '\\|')} |`;
    });
  if (rows.length === 0) throw new Error(`no member of ${name} begins with ${prefix}`);
  return ['| name | what it does |', '|---|---|', ...rows].join('\n');
}
