/**
 * `docs/options.md`: name, type, unit, default and the words of each option's doc comment.
 *
 * Owns: reading the members of one interface out of source text. Leaves: what the words say, to `src/server/options.ts`.
 */
import { tokensOf, type Token } from './tokens.js';

export interface Member {
  readonly name: string;
  readonly type: string;
  /** The doc comment as one line of Markdown. */
  readonly doc: string;
}

/** The members of `interface name` in `text`, in the order of the source. */
export function membersOf(text: string, name: string): Member[] {
  const tokens = tokensOf(text);
  const start = tokens.findIndex((token, i) => token.text === name && tokens[i - 1]?.text === 'interface');
  if (start < 0) throw new Error(`no interface ${name}`);
  const open = tokens.findIndex((token, i) => i > start && token.text === '{');
  const members: Member[] = [];
  let member: Token[] = [];
  for (let i = open + 1, depth = 0; depth >= 0; i++) {
    const token = tokens[i];
    if ('{(['.includes(token.text)) depth++;
    else if ('})]'.includes(token.text)) depth--;
    else if (token.text === ';' && depth === 0) {
      members.push(memberFrom(text, member));
      member = [];
      continue;
    }
    member.push(token);
  }
  return members;
}

function memberFrom(text: string, tokens: readonly Token[]): Member {
  const doc = tokens.findLast((token) => token.text.startsWith('/**'))?.text ?? '';
  const code = tokens.filter((token) => token.kind !== 'comment' && token.text !== 'readonly');
  const colon = code.findIndex((token) => token.text === ':');
  const last = code[code.length - 1];
  return {
    name: code[0].text,
    type: text.slice(code[colon + 1].start, last.start + last.text.length).replace(/\s+/g, ' '),
    doc: lineFrom(doc),
  };
}

function lineFrom(comment: string): string {
  return comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/@remarks\s+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** From the name, as the naming rules have it; http-kit's own options say it in their words. */
export function unitOf(name: string, type: string): string {
  if (name.endsWith('Ms') || name === 'timeout') return 'ms';
  if (name.endsWith('BytesPerSecond')) return 'bytes/s';
  if (name.endsWith('Bytes') || ['maxBody', 'maxLine', 'maxWs'].includes(name)) return 'bytes';
  return /\bnumber\b/.test(type) && name !== 'port' ? 'count' : '–';
}

/**
 * @throws Error naming an option without a doc comment, or one that only one of interface and defaults knows.
 */
export function optionsPage(members: readonly Member[], defaults: Readonly<Record<string, unknown>>): string {
  for (const { name, doc } of members) if (doc === '') throw new Error(`option ${name} has no doc comment`);
  for (const name of Object.keys(defaults))
    if (!members.some((member) => member.name === name)) throw new Error(`default ${name} is no option`);
  const rows = members.map(({ name, type, doc }) => {
    const fallback = name in defaults ? `\`${shown(defaults[name])}\`` : '–';
    return `| \`${name}\` | ${unitOf(name, type)} | ${fallback} | ${doc.replaceAll('|', '\\|')} |`;
  });
  return [
    '# Options',
    '',
    'Of `runServer` and `listen`. A wrong one is an `OptionError` that names it, before anything is bound. `Infinity` means no limit, `0` means zero.',
    'Written by `npm run report` from `src/server/options.ts`.',
    '',
    '| option | unit | default | what it does, and what happens at the limit |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  return typeof value === 'number' && value >= 10_000 ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : String(value);
}
