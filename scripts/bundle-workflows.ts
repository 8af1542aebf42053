/** Writes the workflows as one file, `dist/workflow-bundle.js` (or the path given), which a worker loads instead of bundling at its start. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = join(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'dist', 'workflow-bundle.js'));

const { code } = await bundleWorkflowCode({ workflowsPath: join(root, 'workflows', 'index.ts') });
await mkdir(dirname(target), { recursive: true });
await writeFile(`${target}.draft`, code);
await rename(`${target}.draft`, target);
console.log(`${target}: ${Math.round(code.length / 1024)} KB`);
