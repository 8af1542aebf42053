/** `npm run verify`: types, lint, format, unused code, on any Node from 20 up. All are run; the exit code is 1 if one found something. */
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { ensureNode } from './launcher/ensure-node.mjs';
import { ensurePackages } from './launcher/ensure-packages.mjs';
import { root } from './launcher/launch.mjs';
import { runEntry } from './launcher/problem.mjs';

const steps = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'oxfmt', '--check'],
  ['unused code', 'knip'],
];

await runEntry(async () => {
  await ensurePackages(root);
  const node = await ensureNode();
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  const failed = steps.filter(([name, command, ...args]) => {
    console.log(`verify: ${name} (${[command, ...args].join(' ')})`);
    return spawnSync(join(root, 'node_modules', '.bin', command), args, { cwd: root, env, stdio: 'inherit' }).status !== 0;
  });
  console.log(failed.length === 0 ? 'verify: all is well' : `verify: failed: ${failed.map(([name]) => name).join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});
