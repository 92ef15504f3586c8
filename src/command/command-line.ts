/** The words of a command line as values: every option of a server, and those of the command itself. */
import { parseArgs } from 'node:util';
import { OptionError } from '../errors.js';
import { DEFAULTS, optionsFrom, type ServerOptions } from '../server/options.js';
import { nearestWord } from './nearest-word.js';
import { OPTION_WORDS } from './option-words.js';

/** A command line that cannot be followed; its message is for whoever typed it. */
export class UsageError extends Error {}

export interface CommandLine {
  readonly wants: 'help' | 'version' | 'server';
  /** As typed; empty where none was. */
  readonly module: string;
  /** Those that were given. */
  readonly options: Partial<ServerOptions>;
  /** `undefined`: this process serves by itself. */
  readonly processes: number | 'auto' | undefined;
  /** Milliseconds that running exchanges get when the server stops, or a process is replaced. */
  readonly timeout: number;
  readonly watch: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** What a server on the command line gets to drain: within the 10 s after which Docker kills. */
const DEFAULT_TIMEOUT_MS = 5_000;

export interface CommandOption {
  readonly name: string;
  /** What stands behind it; `undefined` for a switch. */
  readonly value: string | undefined;
  readonly words: string;
}

/** The options that are not the server's own. */
export const COMMAND_OPTIONS: readonly CommandOption[] = [
  { name: 'processes', value: 'n|auto', words: 'Serve in so many processes, one for each CPU with auto. Default: this process alone.' },
  {
    name: 'timeout',
    value: 'ms',
    words: `For replies that run when the server stops or a process is replaced. Default ${DEFAULT_TIMEOUT_MS}.`,
  },
  { name: 'watch', value: undefined, words: "Replace the processes when a file in the module's folder changes." },
  { name: 'quiet', value: undefined, words: 'Print errors only.' },
  { name: 'verbose', value: undefined, words: 'Print the stack of every error.' },
  { name: 'help', value: undefined, words: 'Print this.' },
  { name: 'version', value: undefined, words: 'Print the version.' },
];

const SHORT: Readonly<Record<string, string>> = { h: 'help', v: 'version', p: 'port' };

export const kebabFrom = (camel: string): string => camel.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camelFrom = (kebab: string): string => kebab.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options that have a value by default and may have none: `--no-server-header`. */
export const isClearable = (name: string): boolean =>
  OPTION_WORDS[name].type.includes('null') && DEFAULTS[name as keyof ServerOptions] !== null; // a key of OPTION_WORDS is one of DEFAULTS

/** @throws {@link UsageError} for words that make no sense, {@link OptionError} for a value that a server refuses. */
export const commandLineFrom = (words: readonly string[]): CommandLine => {
  const values = new Map<string, string | true>();
  const modules: string[] = [];
  for (const token of tokensOf(words)) {
    if (token.kind === 'positional') modules.push(token.value);
    else if (token.kind === 'option') read(token, values);
  }
  const wants = values.has('help') ? 'help' : values.has('version') ? 'version' : 'server';
  if (wants === 'server' && modules.length !== 1) {
    throw new UsageError(
      modules.length === 0 ? 'no module is given: rx-http-kit ./app.js' : `one module is served, not ${modules.join(' and ')}`,
    );
  }
  return {
    wants,
    module: modules[0] ?? '',
    options: wants === 'server' ? serverOptionsFrom(values) : {},
    processes: processesFrom(values.get('processes')),
    timeout: millisecondsFrom('timeout', values, 0) ?? DEFAULT_TIMEOUT_MS,
    watch: values.has('watch'),
    quiet: values.has('quiet'),
    verbose: values.has('verbose'),
  };
};

interface OptionToken {
  readonly kind: 'option';
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** Not strict, so that the complaints are ours. */
const tokensOf = (
  words: readonly string[],
): readonly (OptionToken | { kind: 'positional'; value: string } | { kind: 'option-terminator' })[] => {
  const withValue = [
    ...Object.keys(OPTION_WORDS).map(kebabFrom),
    ...COMMAND_OPTIONS.filter(({ value }) => value !== undefined).map(({ name }) => name),
  ];
  const options = Object.fromEntries(withValue.map((name) => [name, { type: 'string' as const }]));
  return parseArgs({ args: words.map(canonical), options, strict: false, allowPositionals: true, tokens: true }).tokens;
};

/** `--maxBody` is `--max-body`: as the options are written in code. `-p` is `--port`. */
const canonical = (word: string): string => {
  const name = /^--?([A-Za-z][\w-]*)/.exec(word)?.[1];
  if (name === undefined) return word;
  if (word.startsWith('--')) return `--${kebabFrom(name)}${word.slice(2 + name.length)}`;
  return Object.hasOwn(SHORT, name) ? `--${SHORT[name]}${word.slice(1 + name.length)}` : word;
};

const read = ({ name, rawName, value, inlineValue }: OptionToken, values: Map<string, string | true>): void => {
  const cleared = name.startsWith('no-') ? camelFrom(name.slice(3)) : '';
  if (Object.hasOwn(OPTION_WORDS, cleared) && isClearable(cleared)) {
    values.set(cleared, true);
    return;
  }
  const key = camelFrom(name);
  const own = COMMAND_OPTIONS.find((option) => option.name === name);
  if (own === undefined && !Object.hasOwn(OPTION_WORDS, key))
    throw new UsageError(`${rawName} is not an option; ${adviceFor(name)}--help lists them`);
  const isSwitch = own !== undefined && own.value === undefined;
  if (isSwitch && value !== undefined) throw new UsageError(`${rawName} takes no value`);
  if (isSwitch) {
    values.set(name, true);
    return;
  }
  if (value === undefined || value === '' || (inlineValue !== true && /^--?[a-z]/i.test(value)))
    throw new UsageError(`${rawName} needs a value`);
  values.set(own === undefined ? key : name, value);
};

/** What other commands call it. */
const OTHER_NAMES: Readonly<Record<string, string>> = { host: 'ip', hostname: 'ip', address: 'ip', workers: 'processes', socket: 'path' };

const adviceFor = (name: string): string => {
  const known = [...Object.keys(OPTION_WORDS).map(kebabFrom), ...COMMAND_OPTIONS.map((option) => option.name)];
  const meant = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : nearestWord(name, known);
  return meant === undefined ? '' : `--${meant} is; `;
};

const serverOptionsFrom = (values: ReadonlyMap<string, string | true>): Partial<ServerOptions> => {
  const given = Object.fromEntries(
    Object.keys(OPTION_WORDS)
      .filter((name) => values.has(name))
      .map((name) => [name, valueFrom(name, values.get(name)!)]),
  ) as Partial<ServerOptions>; // `optionsFrom` proves it
  try {
    optionsFrom(given);
  } catch (error) {
    if (error instanceof OptionError)
      throw new UsageError(error.message.replace(/^option (\w+)/, (_, name: string) => `--${kebabFrom(name)}`));
    throw error;
  }
  return given;
};

/** As the type of the option has it. What is no number stays text, and the check of the option says what it must be. */
const valueFrom = (name: string, value: string | true): unknown => {
  if (value === true) return null;
  const { type } = OPTION_WORDS[name];
  if (/\bnumber\b/.test(type)) return numberFrom(value);
  if (/\bstring\b/.test(type)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

const numberFrom = (text: string): number | string => (/^(-?\d+(\.\d+)?|Infinity)$/.test(text) ? Number(text) : text);

const processesFrom = (value: string | true | undefined): number | 'auto' | undefined => {
  if (value === undefined || value === true || value === 'auto') return value === true ? undefined : value;
  const count = numberFrom(value);
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= 1_024) return count;
  throw new UsageError(`--processes: is ${JSON.stringify(value)}, must be an integer from 1 to 1024, or auto`);
};

const millisecondsFrom = (name: string, values: ReadonlyMap<string, string | true>, least: number): number | undefined => {
  const text = values.get(name);
  if (typeof text !== 'string') return undefined;
  const value = numberFrom(text);
  if (typeof value === 'number' && value >= least && (value <= 2_147_483_647 || value === Infinity)) return value;
  throw new UsageError(`--${name}: is ${JSON.stringify(text)}, must be milliseconds from ${least} to 2147483647, or Infinity`);
};
