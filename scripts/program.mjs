/** `node scripts/program.mjs FILE ...`: one of the repository's programs (`npm run chaos`, `npm run check:histories`), on any Node from 20 up. */
import { join } from 'node:path';
import { ensureNode } from './launcher/ensure-node.mjs';
import { ensurePackages } from './launcher/ensure-packages.mjs';
import { root } from './launcher/launch.mjs';
import { runEntry } from './launcher/problem.mjs';
import { runNode } from './launcher/run-node.mjs';

await runEntry(async () => {
  const [file = '', ...args] = process.argv.slice(2);
  await ensurePackages(root);
  const node = await ensureNode();
  return runNode(node, [join(root, file), ...args], process.env);
});
