/**
 * Writes the workflows as one file, `dist/workflow-bundle.js` (or the path given), which a worker loads instead of bundling at its start; beside it `...-versioned.js`, for workers with a version.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { versionedBundle } from '../src/versioned-bundle.ts';

const root = join(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'dist', 'workflow-bundle.js'));

await mkdir(dirname(target), { recursive: true });
for (const [entry, file] of [
  ['index.ts', target],
  ['versioned.ts', versionedBundle(target)],
] as const) {
  const { code } = await bundleWorkflowCode({ workflowsPath: join(root, 'workflows', entry) });
  await writeFile(`${file}.draft`, code);
  await rename(`${file}.draft`, file);
  console.log(`${file}: ${Math.round(code.length / 1024)} KB`);
}
