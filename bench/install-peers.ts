import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { benchFolder } from './places.js';

/** Holds the hash of the lock file that `node_modules` was installed from. */
const marker = `${benchFolder}node_modules/.installed-from`;

/** Installs the servers that ours is measured against, unless exactly those are there already. */
export async function installPeers(): Promise<void> {
  const lock = createHash('sha256')
    .update(await readFile(`${benchFolder}package-lock.json`))
    .digest('hex');
  const installed = await readFile(marker, 'utf8').catch(() => '');
  if (installed === lock) return;

  console.log('installing the peers …');
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: benchFolder, stdio: 'inherit' });
  const [code] = await once(npm, 'exit');
  if (code !== 0) throw new Error(`npm ci in bench/ ended with ${code}`);
  await writeFile(marker, lock);
}
