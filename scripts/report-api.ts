/**
 * The public declarations in one text: what a user of this package can see, and so what a change may break.
 *
 * Owns: following the exports of an entry through the files behind it. Leaves: reading a declaration file, to `declarations.ts`.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { declarationsIn, type Declaration, type DeclarationFile, type Link } from './declarations.js';

/** The only modules from outside whose types may show. */
const VISIBLE = /^(rxjs(\/testing)?|ws|node:.+)$/;

interface Place {
  readonly path: string;
  readonly name: string;
}

/**
 * The declarations that an entry exports and, behind them, those that they mention, each part sorted by name.
 *
 * @param read - Gives the text of a declaration file; made-up files do for a test.
 * @throws Error naming the declaration and the module, when a type comes from elsewhere than rxjs, ws or Node.js.
 */
export function apiOf(entry: string, read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string {
  const files = new Map<string, DeclarationFile>();
  const fileAt = (path: string): DeclarationFile => {
    const file = files.get(path) ?? declarationsIn(read(path));
    files.set(path, file);
    return file;
  };
  const exported = exportsOf(entry, fileAt);
  const origins = new Set([...exported.values()].map(keyOf));
  const sections = [...exported].map(([name, place]) => [name, textAt(place, fileAt, name)] as const);
  const mentioned = reachableFrom([...exported.values()], fileAt)
    .filter((place) => !origins.has(keyOf(place)))
    .map((place) => [place.name, textAt(place, fileAt)] as const);
  return [
    '// The public API, exported names first. Written by `npm run report`.',
    ...sorted(sections),
    ...(mentioned.length > 0 ? ['// Not exported, but mentioned above.', ...sorted(mentioned)] : []),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** Every name that the file exports, and where it was declared. */
function exportsOf(path: string, fileAt: (path: string) => DeclarationFile): Map<string, Place> {
  const file = fileAt(path);
  const names = new Map<string, Place>();
  for (const star of file.stars) for (const [name, place] of exportsOf(pathOf(path, star), fileAt)) names.set(name, place);
  for (const { name, exported } of file.declarations) if (exported) names.set(name, { path, name });
  for (const { name, original, source } of file.exports) {
    names.set(
      name,
      source === undefined ? originOf({ path, name: original }, fileAt) : originOf({ path: pathOf(path, source), name: original }, fileAt),
    );
  }
  return names;
}

/** Follows a name to the file that declares it, or to the module from outside that does. */
function originOf(place: Place, fileAt: (path: string) => DeclarationFile): Place {
  if (isOutside(place.path)) return place;
  const { declarations, imports, exports, stars } = fileAt(place.path);
  if (declarations.some(({ name }) => name === place.name)) return place;
  const link: Link | undefined = [...imports, ...exports].find(({ name }) => name === place.name);
  if (link?.source !== undefined) return originOf({ path: pathOf(place.path, link.source), name: link.original }, fileAt);
  for (const star of stars) {
    const found = exportsOf(pathOf(place.path, star), fileAt).get(place.name);
    if (found !== undefined) return found;
  }
  throw new Error(`${place.path} has no ${place.name}`);
}

/** Everything that the given places mention, directly or not, themselves included. */
function reachableFrom(places: readonly Place[], fileAt: (path: string) => DeclarationFile): Place[] {
  const reached = new Map<string, Place>();
  const visit = (place: Place): void => {
    if (reached.has(keyOf(place))) return;
    reached.set(keyOf(place), place);
    const { imports, declarations } = fileAt(place.path);
    const known = new Set([...imports, ...declarations].map(({ name }) => name));
    for (const declaration of declarationsAt(place, fileAt)) {
      for (const specifier of declaration.inlineImports) insist(specifier, place);
      for (const word of declaration.words.filter((each) => known.has(each))) {
        const origin = originOf({ path: place.path, name: word }, fileAt);
        if (isOutside(origin.path)) insist(origin.path, place);
        else visit(origin);
      }
    }
  };
  places.filter((place) => !isOutside(place.path)).forEach(visit);
  return [...reached.values()];
}

function insist(specifier: string, { path, name }: Place): void {
  if (!VISIBLE.test(specifier))
    throw new Error(`${path}: ${name} shows a type of ${specifier}; only rxjs, ws and Node.js may be seen from outside`);
}

function declarationsAt({ path, name }: Place, fileAt: (path: string) => DeclarationFile): Declaration[] {
  return fileAt(path).declarations.filter((declaration) => declaration.name === name);
}

function textAt(place: Place, fileAt: (path: string) => DeclarationFile, name: string = place.name): string {
  if (isOutside(place.path)) {
    insist(place.path, place);
    return `export { ${place.name} } from '${place.path}';`;
  }
  const text = declarationsAt(place, fileAt)
    .map((declaration) => declaration.text)
    .join('\n');
  return name === place.name ? text : `${text}\nexport { ${place.name} as ${name} };`;
}

function sorted(sections: readonly (readonly [name: string, text: string])[]): string[] {
  return [...sections].sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1)).map(([, text]) => text);
}

function pathOf(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.d.ts') : specifier;
}

function isOutside(path: string): boolean {
  return !path.endsWith('.d.ts');
}

function keyOf({ path, name }: Place): string {
  return `${path} ${name}`;
}
