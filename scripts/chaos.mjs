/** `npm run chaos`: nights with faults and kills drawn by seeds, on any Node from 20 up. See docs/reliability.md. */
import { join } from 'node:path';
import { ensureNode } from './launcher/ensure-node.mjs';
import { ensurePackages } from './launcher/ensure-packages.mjs';
import { root } from './launcher/launch.mjs';
import { runEntry } from './launcher/problem.mjs';
import { runNode } from './launcher/run-node.mjs';

await runEntry(async () => {
  await ensurePackages(root);
  const node = await ensureNode();
  return runNode(node, [join(root, 'chaos', 'chaos.ts'), ...process.argv.slice(2)], process.env);
});
