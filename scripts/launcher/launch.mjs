import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNode } from './ensure-node.mjs';
import { ensurePackages } from './ensure-packages.mjs';
import { runEntry } from './problem.mjs';
import { runNode } from './run-node.mjs';

/** The checkout, or the folder of the installed package. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * `bin/crm-sync` on any Node from 20 up: packages, a Node that is new enough, then the command itself.
 * @param {string[]} args
 */
export function launch(args) {
  return runEntry(async () => {
    await ensurePackages(root);
    const node = await ensureNode();
    const command = [entry(), ...args];
    if (typeof process.execve === 'function' && process.platform !== 'win32') {
      // Becomes the command: no process in between, nothing to forward.
      process.execve(node, [node, ...command], process.env);
    }
    return runNode(node, command, { ...process.env, CRM_SYNC_LAUNCHED: '1' });
  });
}

/** Node strips no types below node_modules: there the compiled program runs. */
function entry() {
  const compiled = join(root, 'dist', 'src', 'cli', 'main.js');
  const installed = root.split(sep).includes('node_modules');
  return installed && existsSync(compiled) ? compiled : join(root, 'src', 'cli', 'main.ts');
}
