/** What `--help` prints. Owns: the layout. Leaves: the words to the tables of options. */
import { DEFAULTS } from '../server/options.js';
import { COMMAND_OPTIONS, isClearable, kebabFrom } from './command-line.js';
import { OPTION_WORDS } from './option-words.js';

const INDENT = 32;
const WIDTH = 110;

const HEAD = `rx-http-kit ./app.js [options]

Serves a module whose default export is a handler, an operator from requests to replies:

  import { map } from 'rxjs';
  export default map(() => 'hello');
`;

const TAIL = `
SIGTERM and SIGINT let running replies finish, then exit with 0; a second one cuts them. SIGHUP replaces the
processes one by one, with no connection refused; without --processes it is as SIGTERM. See docs/processes.md.
`;

export const helpText = (): string =>
  [
    HEAD,
    ...COMMAND_OPTIONS.map(({ name, value, words }) => entry(value === undefined ? name : `${name} <${value}>`, words)),
    '',
    'Options of the server, each as in docs/options.md:',
    '',
    ...Object.entries(DEFAULTS).map(([name, byDefault]) =>
      entry(`${kebabFrom(name)} <${kindOf(name)}>`, `${OPTION_WORDS[name].words} ${defaultOf(name, byDefault)}`),
    ),
    TAIL,
  ].join('\n');

const kindOf = (name: string): string => {
  const { unit, type } = OPTION_WORDS[name];
  if (unit !== '–') return unit === 'count' ? 'n' : unit;
  if (/\bnumber\b/.test(type)) return 'n';
  return /\bstring\b/.test(type) ? 'text' : 'JSON';
};

const defaultOf = (name: string, byDefault: unknown): string => {
  if (name === 'thread') return 'Default: none, the event loop answers.';
  const none = isClearable(name) ? `; --no-${kebabFrom(name)} for none` : '';
  return `Default ${byDefault === null ? 'none' : String(byDefault)}${none}.`;
};

/** `  --name <value>    words`, the words in lines of their own column. */
const entry = (name: string, words: string): string => {
  const lines: string[] = [];
  let line = `  --${name}`.padEnd(INDENT);
  if (line.length > INDENT - 1) {
    lines.push(line.trimEnd());
    line = ' '.repeat(INDENT);
  }
  for (const word of words.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = ' '.repeat(INDENT);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
};
