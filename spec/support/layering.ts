/**
 * The floors table of `docs/architecture.md` as a check over source text.
 *
 * Owns: which file may import which, and what no source file may hold. Leaves: finding the files, to the spec.
 */
import { posix } from 'node:path';
import { referencesIn, type ModuleReference } from '../../scripts/imports.js';
import { codeTokensOf, type Token } from '../../scripts/tokens.js';

export interface SourceFile {
  /** From `src/`, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Surroundings {
  /** The files that package.json exports: the only ones that may be barrels, and which nobody imports from inside. */
  readonly entries: readonly string[];
  /** What package.json names as dependency or peer. */
  readonly packages: readonly string[];
}

interface Floor {
  /** Files and folders of `src/` beside its own folder. */
  readonly sources: readonly string[];
  /** Files of `src/` of which only types may be imported. */
  readonly types?: readonly string[];
  readonly packages: readonly string[] | 'declared';
  /** Modules of Node.js; `SAFE` ones do no I/O and keep no time. */
  readonly builtins: readonly string[];
}

const SAFE = ['node:buffer', 'node:crypto', 'node:util', 'node:querystring', 'node:string_decoder', 'node:url', 'node:path'];
const SOCKETS = ['node:net', 'node:tls', 'node:http', 'node:https', 'node:http2', 'node:dgram'];
const FEATURES = ['routing', 'middleware', 'feeds', 'topics', 'workers', 'processes', 'telemetry'];
const EVERYTHING_BELOW_4 = ['errors.ts', 'protocol', 'transport', 'rx', ...FEATURES, 'server'];
const FEATURE: Floor = {
  sources: ['errors.ts', 'protocol', 'rx'],
  packages: 'declared',
  builtins: [...SAFE, 'node:stream', 'node:stream/web', 'node:worker_threads', 'node:async_hooks', 'node:events', 'node:os'],
};

const FLOORS: Readonly<Record<string, Floor>> = {
  'errors.ts': { sources: [], packages: [], builtins: [] },
  protocol: { sources: ['errors.ts'], packages: [], builtins: [...SAFE, 'node:zlib'] },
  transport: {
    sources: ['errors.ts', 'protocol'],
    packages: ['ws'],
    builtins: [...SAFE, 'node:net', 'node:tls', 'node:stream', 'node:events'],
  },
  rx: {
    sources: ['errors.ts', 'protocol'],
    types: ['transport/contracts.ts'],
    packages: ['rxjs', 'mime-types', 'range-parser', 'negotiator'],
    builtins: [...SAFE, 'node:stream', 'node:stream/web', 'node:fs', 'node:fs/promises', 'node:module'],
  },
  ...Object.fromEntries(FEATURES.map((feature) => [feature, FEATURE])),
  // uploads go to temporary files, replies through compressors
  middleware: { ...FEATURE, builtins: [...FEATURE.builtins, 'node:fs', 'node:fs/promises', 'node:zlib'] },
  workers: { ...FEATURE, types: ['transport/contracts.ts'] },
  processes: { sources: ['errors.ts'], packages: ['rxjs'], builtins: ['node:cluster'] },
  server: {
    sources: ['errors.ts', 'protocol', 'transport', 'rx', ...FEATURES],
    packages: ['rxjs'],
    builtins: [...SAFE, 'node:stream', 'node:events', 'node:os', 'node:cluster', 'node:worker_threads', 'node:async_hooks'],
  },
  'index.ts': { sources: EVERYTHING_BELOW_4, packages: [], builtins: [] },
  command: { sources: EVERYTHING_BELOW_4, packages: ['rxjs'], builtins: [...SAFE, 'node:fs', 'node:os'] },
  'cli.ts': { sources: ['command'], packages: [], builtins: [] },
  // The servers of others: it speaks to Node.js's own, and lends its WebSockets to ours.
  interop: {
    sources: EVERYTHING_BELOW_4,
    packages: 'declared',
    builtins: [...SAFE, 'node:stream', 'node:stream/web', 'node:http', 'node:http2', 'node:net'],
  },
  testing: { sources: EVERYTHING_BELOW_4, packages: 'declared', builtins: [...SAFE, 'node:stream', 'node:events', 'node:fs'] },
};

/**
 * The rooms of rx/, and the other ones that each may enter. The files beside them are the words that all speak (request, response,
 * handler): everybody may import them.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  queues: [],
  admission: [],
  requests: [],
  replay: [],
  demand: ['queues'],
  bodies: ['queues', 'demand', 'admission'],
  channels: ['queues', 'demand', 'admission', 'bodies'],
  replies: ['queues', 'bodies', 'channels'],
  answering: ['admission', 'bodies'],
};

/**
 * Modules that few files of rx/ have to themselves. `static-files.ts` asks the file system what a path means, `file-formats.ts`
 * loads optional packages when files are served: routing/ and middleware/ build on both, and may not import each other.
 */
const SOLE_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  'node:fs': ['rx/bodies/file-body.ts', 'rx/replies/static-files.ts'],
  'node:fs/promises': ['rx/bodies/file-body.ts', 'rx/replies/static-files.ts'],
  'node:module': ['rx/optional-package.ts'],
  'mime-types': ['rx/bodies/file-formats.ts'],
  'range-parser': ['rx/bodies/file-formats.ts'],
  negotiator: ['rx/bodies/file-formats.ts'],
};
/** Tables of constants in modules that do more: these names may be taken from them anywhere. */
const CONSTANTS: Readonly<Record<string, readonly string[]>> = { 'node:http': ['STATUS_CODES', 'METHODS'] };
const FORBIDDEN_NAME = /^(utils?|helpers?|common|shared|types)$|(^|-)(utils?|helpers?)(-|$)/;
const CLOCKS = new Set(['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'hrtime']);

/** One sentence per violation, each beginning with the file; empty when the floors hold. */
export function violationsIn(files: readonly SourceFile[], surroundings: Surroundings): string[] {
  const known = new Map(files.map((file) => [file.path, referencesIn(file.text)]));
  return [
    ...files.flatMap((file) => [...namesOf(file), ...wordsOf(file)].map((complaint) => `${file.path}: ${complaint}`)),
    ...[...known].flatMap(([path, references]) =>
      references.flatMap((reference) => crossing(path, reference, known, surroundings)).map((complaint) => `${path}: ${complaint}`),
    ),
    ...adapters(known),
    ...cycles(known),
  ];
}

function namesOf({ path }: SourceFile): string[] {
  const parts = path.replace(/\.ts$/, '').split('/');
  const complaints = parts.filter((part) => FORBIDDEN_NAME.test(part)).map((part) => `"${part}" says nothing as a name`);
  if (!/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path)) complaints.push('file names are kebab-case');
  if (!(floorName(path) in FLOORS)) complaints.push('stands on no floor');
  const room = roomName(path);
  if (room !== undefined && !(room in ROOMS)) complaints.push(`rx/${room}/ is no room of rx/`);
  return complaints;
}

function wordsOf({ path, text }: SourceFile): string[] {
  const tokens = codeTokensOf(text);
  const complaints: string[] = [];
  tokens.forEach((token, i) => {
    const [before, next] = [tokens[i - 1]?.text, tokens[i + 1]];
    if (token.kind !== 'word' || before === '.') return;
    if (token.text === 'enum' && next?.kind === 'word') complaints.push(`enum ${next.text}: use a const object`);
    if (token.text === 'default' && (before === 'export' || isExportedAs(tokens, i))) complaints.push('default export');
    if (floorName(path) === 'protocol' && CLOCKS.has(token.text) && next?.text !== ':')
      complaints.push(`${token.text}: protocol/ has no clock`);
  });
  if (/\bTODO\b/.test(text)) complaints.push('TODO: an open question goes to docs/decisions.md');
  return complaints;
}

function isExportedAs(tokens: readonly Token[], i: number): boolean {
  if (tokens[i - 1]?.text !== 'as') return false;
  const open = tokens.findLastIndex((token, at) => at < i && (token.text === '{' || token.text === ';'));
  return tokens[open]?.text === '{' && ['export', 'type'].includes(tokens[open - 1]?.text);
}

/** What is wrong with one import of one file. */
function crossing(path: string, reference: ModuleReference, known: ReadonlyMap<string, unknown>, surroundings: Surroundings): string[] {
  const { specifier, kind, names } = reference;
  const floor = FLOORS[floorName(path)];
  const complaints: string[] = [];
  if (kind === 'export' && !surroundings.entries.includes(path))
    complaints.push(`re-exports ${specifier}, but only entry files are barrels`);
  if (floor === undefined) return complaints;
  if (specifier.startsWith('.')) return [...complaints, ...stairs(path, reference, floor, known, surroundings)];
  if (specifier.startsWith('node:')) {
    if (names.length > 0 && names.every((name) => CONSTANTS[specifier]?.includes(name))) return complaints;
    if (!floor.builtins.includes(specifier)) complaints.push(`${specifier} is out of bounds for ${floorName(path)}`);
    else complaints.push(...trespasses(path, specifier));
    if (SOCKETS.includes(specifier) && floorName(path) !== 'transport' && floorName(path) !== 'interop')
      complaints.push(`${specifier}: sockets belong to transport/`);
    return complaints;
  }
  const packageName = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (!surroundings.packages.includes(packageName)) return [...complaints, `${specifier} is neither a dependency nor a peer`];
  const isOwnEntry = specifier === 'rxjs/testing' && floorName(path) === 'testing';
  if (packageName === 'rxjs' && specifier !== 'rxjs' && !isOwnEntry) complaints.push(`${specifier} is a deep import of rxjs`);
  const allowed = floor.packages === 'declared' ? packageName !== 'ws' : floor.packages.includes(packageName);
  if (!allowed) complaints.push(`${packageName} is out of bounds for ${floorName(path)}`);
  return [...complaints, ...trespasses(path, packageName)];
}

/** A module in rx/ that belongs to other files there. */
function trespasses(path: string, module: string): string[] {
  const owners = SOLE_IMPORTERS[module];
  return floorName(path) !== 'rx' || owners === undefined || owners.includes(path) ? [] : [`${module} belongs to ${owners.join(', ')}`];
}

/** A relative import: there, on the same floor or further down, and in one way only. */
function stairs(
  path: string,
  { specifier, typeOnly }: ModuleReference,
  floor: Floor,
  known: ReadonlyMap<string, unknown>,
  { entries }: Surroundings,
): string[] {
  const target = targetOf(path, specifier);
  if (!known.has(target)) return [`${specifier} leads to no source file`];
  if (entries.includes(target)) return [`imports the entry ${target}`];
  const own = floorName(path) === floorName(target);
  if (own && floorName(path) === 'rx') return doors(path, target);
  if (own || floor.sources.includes(floorName(target))) return [];
  if (!floor.types?.includes(target)) return [`${floorName(path)} may not import ${target}`];
  return typeOnly ? [] : [`only types may come from ${target}`];
}

/** From one room of rx/ to another. */
function doors(path: string, target: string): string[] {
  const [from, to] = [roomName(path), roomName(target)];
  if (from === undefined || to === undefined || from === to) return [];
  const open = ROOMS[from];
  return open?.includes(to) ? [] : [`rx/${from}/ may not import ${target}`];
}

/** The folder in rx/; `undefined` for the words beside the rooms. */
const roomName = (path: string): string | undefined => /^rx\/([^/]+)\//.exec(path)?.[1];

/** `ws` has one adapter. */
function adapters(known: ReadonlyMap<string, readonly ModuleReference[]>): string[] {
  const importers = [...known].filter(([, references]) => references.some(({ specifier }) => specifier === 'ws')).map(([path]) => path);
  return importers.length > 1 ? [`${importers.join(', ')}: only one file may import ws`] : [];
}

/** Each cycle of imports once, types included: they tie two files together as much as values do. */
function cycles(known: ReadonlyMap<string, readonly ModuleReference[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push(`${[...trail.slice(trail.indexOf(path)), path].join(' → ')}: a cycle`);
      return;
    }
    if (done.has(path)) return;
    for (const { specifier } of known.get(path) ?? []) {
      if (specifier.startsWith('.')) visit(targetOf(path, specifier), [...trail, path]);
    }
    done.add(path);
  };
  for (const path of known.keys()) visit(path, []);
  return found;
}

/** The folder under `src/`, or the file that stands there by itself. */
function floorName(path: string): string {
  return path.split('/', 1)[0];
}

function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}
