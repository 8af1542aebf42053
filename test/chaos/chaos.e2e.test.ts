import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

/** Standard output of one of the programs, also of one that found something. */
async function program(file: string, ...args: readonly string[]): Promise<string> {
  const told = await promisify(execFile)(process.execPath, [file, ...args], { cwd: root }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return `${told.stderr}${told.stdout}`.trim();
}

/** A seed with Bulk, lost answers, a worker that is killed and one that is paused: `npm run chaos -- --seeds 1 --from SEED` tells what it does. */
const seed = 15;

test(`nights with faults and kills end as the undisturbed ones, and nothing of the data is in a history (seed ${seed})`, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-chaos-test-'));
  try {
    const chaos = await program('chaos/chaos.ts', '--seeds', '1', '--from', String(seed), '--lanes', '1', '--keep', folder);
    expect(chaos).toMatch(/\n1 seeds: [1-9]\d* faults, [1-9]\d* kills, 0 lost, 0 doubled, 1 equal$/);
    expect(await program('chaos/check-histories.ts', '--state', path.join(folder, 'lane-1'))).toMatch(/^no value of \d+ found$/m);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
