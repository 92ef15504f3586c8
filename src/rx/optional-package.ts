/** Packages that not every application needs: looked for when what needs them is made, and not before. */
import { createRequire } from 'node:module';
import { OptionError } from '../errors.js';

/** As an `import` would find them from here; an import itself would need them of all, or make everybody wait. */
const find = createRequire(import.meta.url);

const loaded = new Map<string, unknown>();

/**
 * A package, which has to be one that `require` can load.
 *
 * @typeParam Module - What it exports; the caller's claim.
 * @param who - What needs it, as its user calls it.
 * @throws {@link OptionError} that names both, where it cannot be loaded.
 */
export const optionalPackage = <Module>(name: string, who: string): Module => {
  if (!loaded.has(name))
    loaded.set(
      name,
      orMissing(() => find(name) as unknown, name, who),
    ); // required modules are typed any
  return loaded.get(name) as Module;
};

/**
 * Looks whether a package is there that only `import()` can load on all versions of Node.js.
 *
 * @throws {@link OptionError} as {@link optionalPackage}.
 */
export const checkOptionalPackage = (name: string, who: string): void => void orMissing(() => find.resolve(name), name, who);

const orMissing = <T>(look: () => T, name: string, who: string): T => {
  try {
    return look();
  } catch (cause) {
    throw Object.assign(new OptionError(who, `needs the package ${name}: npm install ${name}`), { cause });
  }
};
