/** Changes of the files in a folder. */
import { type Dirent, type FSWatcher, readdirSync, watch } from 'node:fs';
import { join, relative } from 'node:path';
import { auditTime, type MonoTypeOperatorFunction, Observable } from 'rxjs';

/** An editor and a compiler touch many files for one change. */
const SETTLE_MS = 100;

/**
 * The path, from `folder`, of a file that was written, made or removed; one for all of a tenth of a second.
 *
 * Folders below are watched too, also those that are made later; what is called `node_modules` or begins with a dot is not looked at.
 * Fails with the system's error when there is more to watch than it allows. Never completes.
 */
export const watchFolder = (folder: string, settled: MonoTypeOperatorFunction<string> = auditTime(SETTLE_MS)): Observable<string> =>
  new Observable<string>((subscriber) => {
    const watchers = new Map<string, FSWatcher>();
    const forget = (path: string): void => {
      watchers.get(path)?.close();
      watchers.delete(path);
    };
    const look = (path: string): void => {
      if (watchers.has(path)) return;
      const watcher = watch(path, (_, name) => {
        if (name === null || isHidden(name)) return;
        subscriber.next(relative(folder, join(path, name)));
        lookBelow(path);
      });
      watchers.set(path, watcher);
      watcher.on('error', () => forget(path)); // it was removed
      lookBelow(path);
    };
    const lookBelow = (path: string): void => {
      for (const entry of entriesOf(path)) if (entry.isDirectory() && !isHidden(entry.name)) look(join(path, entry.name));
    };
    subscriber.add(() => {
      for (const path of [...watchers.keys()]) forget(path);
    });
    try {
      look(folder);
    } catch (error) {
      subscriber.error(error);
    }
  }).pipe(settled);

const isHidden = (name: string): boolean => name === 'node_modules' || name.startsWith('.');

/** A folder may vanish while it is read. */
const entriesOf = (path: string): Dirent[] => {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
};
