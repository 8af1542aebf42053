import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
/** What workflows may hold of other people's code: the SDK's workflow half, and what that holds. */
const sdk = /^node_modules\/(@temporalio\/(common|workflow)|nexus-rpc|long|ms)\//;

test('the workflows are bundled with no module of Node and nothing of src but the domain', async () => {
  // An import of a module of Node fails here by itself.
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(root, 'workflows/index.ts'), logger: new DefaultLogger('ERROR') });
  const sourceMap = /sourceMappingURL=data:application\/json;charset=utf-8;base64,([\w+/=]+)\s*$/.exec(code)?.[1] ?? '';
  const { sources } = JSON.parse(Buffer.from(sourceMap, 'base64').toString()) as { readonly sources: readonly string[] };
  const files = sources.filter((source) => path.isAbsolute(source)).map((source) => path.relative(root, source));
  expect(files).toContain('workflows/sync-run.ts');
  expect(files).toContain('src/domain/objects.ts');
  expect(files.filter((file) => !sdk.test(file) && !/^(workflows|src\/domain)\/[^/]+$/.test(file))).toEqual([]);
});
