import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testNamespace } from '../services/namespace.ts';
import { atClose, atStep, holdAt } from './hold.ts';
import type { Place } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectSameResult } from './same-result.ts';
import { forgetDeadWorkers, settingsText, startWorkerProcess } from './worker-process.ts';
import type { NightFiles, World } from './world.ts';

const temporal = await testNamespace();
const small = path.join(import.meta.dirname, 'small');
const data = mkdtempSync(path.join(tmpdir(), 'crm-sync-kills-'));
const overrides = { 'objects.lead.enabled': true } as const;
/** Long enough for a machine that is busy, short enough for a test. */
const heartbeatTimeoutMs = 2_000;
let undisturbed: NightFiles;

beforeAll(async () => {
  cpSync(small, data, { recursive: true });
  await inWorld({ data: small, temporal, overrides }, async (world) => {
    undisturbed = await world.files((await world.night()).run);
  });
});
afterAll(() => rm(data, { recursive: true }));

async function writesOf(world: World): Promise<readonly { readonly id: string; readonly updates: number }[]> {
  const ofObject = async (object: string): Promise<[]> =>
    (await (await fetch(`${world.simulator.url}/__simulator/updates?object=${object}`)).json()) as [];
  return (await Promise.all(['Account', 'Contact', 'Lead'].map(ofObject))).flat();
}

/** In each step one moment at which its effect is there, but not yet kept as done. */
const kills: readonly (readonly [step: string, place: Place])[] = [
  ['fetch', atStep('fetch.page', 'contact')],
  ['match', atStep('match.settle', 'contact')],
  ['plan', atStep('plan.part', 'lead')],
  ['apply', atStep('apply.part')],
  ['settle', atClose],
];

test('the worker is killed once in each step: the same records and intents, every row written once', async () => {
  await inWorld({ data: small, temporal, overrides, withoutWorker: true }, async (world) => {
    writeFileSync(path.join(data, 'crm-sync.yaml'), settingsText(world, small).replace('  lead:\n', '  lead:\n    enabled: true\n'));
    let worker = await startWorkerProcess(world, data);
    const holds = await Promise.all(kills.map(([, place]) => holdAt(world, place)));
    const { run, result } = await world.start({ heartbeatTimeoutMs });
    const ended = result();
    for (const hold of holds) {
      await hold.reached();
      expect(await worker.end('SIGKILL')).toBeNull();
      await hold.release();
      await forgetDeadWorkers(world);
      worker = await startWorkerProcess(world, data);
    }
    expect(await ended).toEqual({ run, status: 'success' });
    expectSameResult(await world.files(run), undisturbed);
    const writes = await writesOf(world);
    expect(writes).toHaveLength(undisturbed.report.intents.salesforce.applied);
    for (const { updates } of writes) expect(updates).toBe(1);
    expect((await world.database.query('select from personalization.crm_sync_batch')).rowCount).toBe(3);
    // Nothing is open, and the next night is quiet.
    const next = await world.files((await world.night()).run);
    expect(next.report.status).toBe('success');
    expect(next.report.intents.salesforce.applied + next.report.intents.personalization.applied).toBe(0);
    expect(await worker.end('SIGTERM')).toBe(0);
  });
});

test('what is left of a terminated run wakes up in the next night and keeps nothing: it is fenced off', async () => {
  await inWorld({ data: small, temporal, overrides }, async (world) => {
    const run = 'run-zombie';
    // In the middle of a write to the store, where no transaction of the ledger is open.
    await using hold = await holdAt(world, {
      table: 'personalization.crm_sync_batch',
      event: 'insert',
      when: `new.batch_key like '${run}/contact/%'`,
    });
    const { result } = await world.start({ run });
    await hold.reached();
    await world.client.workflow.getHandle(`${world.name}-run`).terminate();
    await expect(result()).rejects.toThrow();
    const next = await world.night();
    expect(next.status).toBe('success');
    const kept = await intentsOf(world, run);
    expect(kept).not.toContainEqual(expect.objectContaining({ side: 'personalization', object: 'contact', outcome: 'applied' }));
    await hold.release();
    await expect.poll(async () => (await zombieBatch(world, run)).length, { timeout: 30_000 }).toBe(1);
    expect((await world.night()).status).toBe('success');
    // Its conditions no longer held, and the ledger did not listen to it.
    expect((await zombieBatch(world, run))[0]?.results).not.toContain('applied');
    expect(await intentsOf(world, run)).toEqual(kept);
    const { records } = await world.files(next.run);
    expect(records.replaceAll(',kept,', ',,')).toBe(undisturbed.records);
  });
});

async function intentsOf({ database }: World, run: string): Promise<readonly unknown[]> {
  const { rows } = await database.query(`
    select side, object, target_id, field, outcome, reason from intent join run using (run_no) where run = '${run}' order by side, object, target_id, field`);
  return rows;
}

async function zombieBatch({ database }: World, run: string): Promise<readonly { readonly results: readonly unknown[] }[]> {
  const { rows } = await database.query<{ results: unknown[] }>(
    `select results from personalization.crm_sync_batch where batch_key like '${run}/contact/%'`,
  );
  return rows;
}
