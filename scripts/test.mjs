/** `npm test`: every test there is, on any Node from 20 up. Arguments go to Vitest. The last line of standard output is `N passed, N failed`. */
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureNode } from './launcher/ensure-node.mjs';
import { ensurePackages } from './launcher/ensure-packages.mjs';
import { root } from './launcher/launch.mjs';
import { runEntry } from './launcher/problem.mjs';
import { runNode } from './launcher/run-node.mjs';

await runEntry(async () => {
  await ensurePackages(root);
  const node = await ensureNode();
  const folder = mkdtempSync(join(tmpdir(), 'crm-sync-test-'));
  process.chdir(root);
  try {
    const countsFile = join(folder, 'counts.json');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts', 'count-reporter.mjs')}`];
    const code = await runNode(node, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)], {
      ...process.env,
      CRM_SYNC_TEST_COUNTS: countsFile,
    });
    const counts = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
    // What fails outside a test (a file that cannot be loaded, a server that does not start) fails the run as well.
    const failed = counts.failed === 0 && code !== 0 ? 1 : counts.failed;
    console.log(`${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
    return failed > 0 || counts.passed === 0 ? code || 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
