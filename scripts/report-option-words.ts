/** `src/command/option-words.ts`: what `--help` says of each option, out of the doc comments that `docs/options.md` is made of. */
import { type Member, unitOf } from './report-options.js';

export function optionWordsModule(members: readonly Member[]): string {
  const lines = members.map(
    ({ name, type, doc }) => `  ${name}: ${JSON.stringify({ unit: unitOf(name, type), type, words: plain(doc) })},`,
  );
  return [
    '/** Written by `npm run report` from the doc comments of `src/server/options.ts`. */',
    '',
    'export interface OptionWords {',
    '  readonly unit: string;',
    '  /** In TypeScript. */',
    '  readonly type: string;',
    '  readonly words: string;',
    '}',
    '',
    'export const OPTION_WORDS: Readonly<Record<string, OptionWords>> = {',
    ...lines,
    '};',
    '',
  ].join('\n');
}

/** Without the marks of Markdown. */
function plain(doc: string): string {
  return doc.replaceAll('`', '');
}
