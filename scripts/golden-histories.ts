/**
 * Writes `test/golden/<version of package.json>/*.json`: histories of nights over made-up data, which a test replays with the workflows of today. Those of a version that was released are never
 * written anew; those of the one in the making are, when its workflows change.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', join(root, 'test/golden/vitest.config.ts')], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
