import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applySchedule, scheduleId, withSchedule } from '../../src/cli/night-schedule.ts';
import { readSettings } from '../../src/config/load.ts';
import type { RunResult } from '../../src/domain/progress.ts';
import { handleOf } from '../guards/waiting.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectFullNight, expectNothingWritten, small, statuses, undisturbedNight, updatesOf } from './what-is-left.ts';
import type { NightFiles } from './world.ts';

const temporal = await testNamespace();
const here = { data: small, temporal };
let undisturbed: NightFiles;

beforeAll(async () => {
  undisturbed = await undisturbedNight(temporal);
});

describe('R5 two runs never overlap', () => {
  test('of two that are started by hand at once one is refused', async () => {
    await inWorld(here, async (world) => {
      const started = await Promise.allSettled([world.start(), world.start()]);
      const refused = started.filter((each) => each.status === 'rejected');
      expect(refused).toHaveLength(1);
      expect(refused[0]?.reason).toBeInstanceOf(WorkflowExecutionAlreadyStartedError);
      for (const each of started) if (each.status === 'fulfilled') expect((await each.value.result()).status).toBe('success');
      expect(await statuses(world)).toEqual(['success']);
    });
  });

  test('a night of the Schedule is skipped while a run by hand is in progress, and runs when none is', async () => {
    await inWorld(here, async (world) => {
      await applySchedule(world.client, readSettings({ text: '', env: {}, overrides: { name: world.name, 'schedule.cron': '0 0 1 1 *' } }).settings);
      const trigger = (): Promise<void> => withSchedule(world.client, world.name, (schedule) => schedule.trigger('SKIP'));
      const nightly = async (count: number): Promise<RunResult> => {
        const schedule = world.client.schedule.getHandle(scheduleId(world.name));
        await expect.poll(async () => (await schedule.describe()).info.numActionsTaken, { timeout: 30_000 }).toBe(count);
        const { action } = (await schedule.describe()).info.recentActions.at(-1) ?? {};
        if (action === undefined) throw new Error('the Schedule started nothing');
        const { workflowId, firstExecutionRunId: runId } = action.workflow;
        world.started.push({ workflowId, runId });
        return (await world.client.workflow.getHandle(workflowId, runId).result()) as RunResult;
      };
      await using hold = await holdAt(world, atStep('match.begin', 'contact'));
      const { result } = await world.start();
      await hold.reached();
      await trigger();
      expect((await nightly(1)).status).toBe('skipped');
      await hold.release();
      expect((await result()).status).toBe('success');
      expect(await statuses(world)).toEqual(['success']);
      await trigger();
      expect((await nightly(2)).status).toBe('success');
      expect(await statuses(world)).toEqual(['success', 'success']);
      await world.client.schedule.getHandle(scheduleId(world.name)).delete();
    });
  });
});

test('a preview shows the plan and leaves no link and no write', async () => {
  await inWorld(here, async (world) => {
    const { run, status } = await world.night({ kind: 'preview' });
    expect(status).toBe('preview');
    const { records, intents, report } = await world.files(run);
    expect(records).toBe(undisturbed.records);
    expect(intents.replaceAll(/,deferred,,preview$/gm, ',applied,,')).toBe(undisturbed.intents);
    expect(report.status).toBe('preview');
    await expectNothingWritten(world);
    await expectFullNight(world, undisturbed);
  });
});

describe('a run that cannot go on', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-settings-'));
  afterAll(() => rm(folder, { recursive: true }));

  test('fails with what is wrong in the settings file, and leaves no open run', async () => {
    cpSync(small, folder, { recursive: true });
    await inWorld({ ...here, data: folder }, async (world) => {
      const file = path.join(folder, 'crm-sync.yaml');
      writeFileSync(file, 'objects:\n  contact:\n    matchFeilds: []\n');
      const error = await world.night().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(messages(error)).toMatch(/crm-sync\.yaml:3.*matchFeilds.*matchFields/s);
      expect(await statuses(world)).toEqual([]);
      cpSync(small, folder, { recursive: true });
      await expectFullNight(world, undisturbed);
    });
  });

  test('was terminated: the next one closes it as failed and is complete', async () => {
    await inWorld(here, async (world) => {
      await using hold = await holdAt(world, atStep('match.settle', 'contact'));
      const { result } = await world.start();
      await hold.reached();
      await handleOf(world).terminate();
      await expect(result()).rejects.toThrow(WorkflowFailedError);
      expect(await statuses(world)).toEqual(['running']);
      await hold.release();
      await expectFullNight(world, undisturbed);
      expect(await statuses(world)).toEqual(['success', 'failed']);
    });
  });

  test('was terminated while it was applied: the next one settles what it may have sent', async () => {
    await inWorld(here, async (world) => {
      await using hold = await holdAt(world, atStep('apply.part'));
      const { run, result } = await world.start();
      await hold.reached();
      await handleOf(world).terminate();
      await expect(result()).rejects.toThrow(WorkflowFailedError);
      await hold.release();
      const next = await world.night();
      expect(next.status).toBe('success');
      expect(await statuses(world)).toEqual(['success', 'failed']);
      const { rows } = await world.database.query(`select from intent join run using (run_no) where run = '${run}' and outcome is null`);
      expect(rows).toEqual([]);
      for (const object of ['Account', 'Contact'])
        for (const { updates } of (await updatesOf(world, object)) as readonly { updates: number }[]) expect(updates).toBe(1);
    });
  });
});

/** The messages of an error and of its causes. */
function messages(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${messages(error.cause)}` : '';
}

test('R25 two nights without a change write nothing the second time, and the sums are right', async () => {
  await inWorld(here, async (world) => {
    await world.setLeads(true);
    const first = await world.files((await world.night()).run);
    const written = await Promise.all(['Account', 'Contact', 'Lead'].map((object) => updatesOf(world, object)));
    const batches = await world.database.query('select from personalization.crm_sync_batch');
    const second = await world.files((await world.night()).run);
    expect(await Promise.all(['Account', 'Contact', 'Lead'].map((object) => updatesOf(world, object)))).toEqual(written);
    expect((await world.database.query('select from personalization.crm_sync_batch')).rowCount).toBe(batches.rowCount);
    expect(second.report.intents.salesforce).toEqual({ applied: 0, unchanged: 0, rejected: first.report.intents.salesforce.rejected, deferred: 0 });
    expect(second.report.intents.personalization).toEqual({ applied: 0, unchanged: 0, rejected: 0, deferred: 0 });
    for (const object of ['account', 'contact', 'lead'] as const) {
      expect(second.report.objects[object].outcomes).toEqual(first.report.objects[object].outcomes);
      expect(second.report.objects[object].kept).toBe(first.report.objects[object].outcomes.linked);
    }
    // Also where the outcomes of an earlier match are taken over.
    const stepsOf = ({ report }: NightFiles): string[] => report.steps.map(({ step, object }) => `${step} ${object}`);
    const third = await world.files((await world.night()).run);
    const all = ['fetch', 'match', 'plan'].flatMap((step) => ['account', 'contact', 'lead'].map((object) => `${step} ${object}`));
    expect(stepsOf(first)).toEqual(expect.arrayContaining([...all, 'apply all', 'apply contact']));
    for (const night of [second, third]) expect(stepsOf(night)).toEqual(stepsOf(first).filter((row) => !/^apply (?!all)/.test(row)));
  });
});
