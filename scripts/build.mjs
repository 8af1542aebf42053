/** `npm run build`: what an installed package runs, since Node strips no types below node_modules. Compiles into `dist` and copies what is beside the code. */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ensureNode } from './launcher/ensure-node.mjs';
import { ensurePackages } from './launcher/ensure-packages.mjs';
import { root } from './launcher/launch.mjs';
import { Problem, runEntry } from './launcher/problem.mjs';

const folders = ['src', 'workflows', 'activities', 'simulator'];

await runEntry(async () => {
  await ensurePackages(root);
  const node = await ensureNode();
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  const dist = join(root, 'dist');
  rmSync(dist, { recursive: true, force: true });
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'scripts', 'tsconfig.build.json')], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Problem('the types do not check; see above');
  for (const folder of folders) cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: isBesideCode });
  return undefined;
});

function isBesideCode(path) {
  return statSync(path).isDirectory() ? !/\/(node_modules|test)$/.test(path) : !/\.[cm]?ts$/.test(path);
}
