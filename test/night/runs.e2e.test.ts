import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applySchedule, scheduleId, withSchedule } from '../../src/cli/night-schedule.ts';
import { readSettings } from '../../src/config/load.ts';
import type { PlanSummary } from '../../src/domain/guards.ts';
import type { Progress, RunResult } from '../../src/domain/progress.ts';
import { listRuns } from '../../src/operator/runs.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectSameResult } from './same-result.ts';
import type { NightFiles, World } from './world.ts';

const temporal = await testNamespace();
const data = path.join(import.meta.dirname, 'small');
const here = { data, temporal };
let undisturbed: NightFiles;

beforeAll(async () => {
  await inWorld(here, async (world) => {
    undisturbed = await world.files((await world.night()).run);
  });
});

const handleOf = (world: World) => world.client.workflow.getHandle(`${world.name}-run`);

async function awaitingApproval(world: World): Promise<string> {
  let digest: string | null = null;
  await expect
    .poll(
      async () => {
        const { status, planDigest } = (await handleOf(world).query('progress')) as Progress;
        digest = planDigest;
        return status;
      },
      { timeout: 60_000 },
    )
    .toBe('awaitingApproval');
  return digest ?? '';
}

/** What a run must not leave when it ended before its links were committed. */
async function expectNothingWritten(world: World): Promise<void> {
  expect((await world.database.query('select from link')).rowCount).toBe(0);
  expect((await world.database.query('select from written')).rowCount).toBe(0);
  for (const object of ['Account', 'Contact', 'Lead']) expect(await updatesOf(world, object)).toEqual([]);
  const people = await world.database.query(`select from personalization.crm_sync_batch`);
  expect(people.rowCount).toBe(0);
}

async function updatesOf(world: World, object: string): Promise<unknown> {
  return (await fetch(`${world.simulator.url}/__simulator/updates?object=${object}`)).json();
}

async function statuses(world: World): Promise<readonly string[]> {
  return (await listRuns(world.database, 10)).map(({ status }) => status);
}

/** The night after a disturbed one ends as the first one of an undisturbed world. */
async function expectFullNight(world: World): Promise<void> {
  const { run, status } = await world.night();
  expect(status).toBe('success');
  expectSameResult(await world.files(run), undisturbed);
}

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
    await expectFullNight(world);
  });
});

describe('approval', () => {
  const always = { ...here, overrides: { approval: 'always' } } as const;

  test('the digest of the plan that was shown lets it through, another is refused', async () => {
    await inWorld(always, async (world) => {
      const { run, result } = await world.start();
      const digest = await awaitingApproval(world);
      await expectNothingWritten(world);
      await expect(handleOf(world).executeUpdate('approve', { args: ['another'] })).rejects.toMatchObject({
        cause: { message: `the plan that waits is ${digest}, not another` },
      });
      await handleOf(world).executeUpdate('approve', { args: [digest] });
      expect(await result()).toEqual({ run, status: 'success' });
      expectSameResult(await world.files(run), undisturbed);
      await expect(handleOf(world).executeUpdate('approve', { args: [digest] })).rejects.toThrow();
    });
  });

  test('a rejected run leaves nothing', async () => {
    await inWorld(always, async (world) => {
      const { run, result } = await world.start();
      await awaitingApproval(world);
      await handleOf(world).executeUpdate('reject');
      expect((await result()).status).toBe('rejected');
      const { report, intents } = await world.files(run);
      expect(report.status).toBe('rejected');
      expect(intents.replaceAll(/,deferred,,rejected$/gm, ',applied,,')).toBe(undisturbed.intents);
      await expectNothingWritten(world);
    });
  });

  test('firstRun asks once', async () => {
    await inWorld({ ...here, overrides: { approval: 'firstRun' } }, async (world) => {
      const { result } = await world.start();
      await handleOf(world).executeUpdate('approve', { args: [await awaitingApproval(world)] });
      expect((await result()).status).toBe('success');
      expect((await world.night()).status).toBe('success');
    });
  });

  test('a run that may not wait ends at the gate as a preview', async () => {
    await inWorld(always, async (world) => {
      expect((await world.night({ atGate: 'end' })).status).toBe('preview');
      await expectNothingWritten(world);
    });
  });

  test('a plan that nobody answers in time is rejected', async () => {
    await inWorld(always, async (world) => {
      await using hold = await holdAt(world, atStep('plan.part', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      const asked: PlanSummary = {
        links: { new: 1, kept: 0, ended: 0 },
        writes: { personalization: 1, salesforce: 0 },
        withheld: 0,
        apiCalls: { forecast: 0, left: 1 },
        guards: [],
        asks: ['always'],
      };
      // As if the plan had been finished by an earlier attempt, with a deadline that is over in a moment.
      await world.database.query(`
        insert into step_ledger (run_no, step, object, part, counts)
        select run_no, 'plan.finish', 'all', 0, json_build_object('records', 0, 'digest', 'd', 'plan', '${JSON.stringify(asked)}', 'approvalExpiresAtMs', ${Date.now()})
          from run where run = '${run}'`);
      await hold.release();
      expect((await result()).status).toBe('rejected');
      await expectNothingWritten(world);
    });
  });
});

describe('a cancelled run', () => {
  const cancelled = async (world: World, result: () => Promise<RunResult>): Promise<void> => {
    await expect(result()).rejects.toThrow(WorkflowFailedError);
    expect((await handleOf(world).describe()).status.name).toBe('CANCELLED');
  };

  test.each([
    ['while contacts are fetched', atStep('fetch.absorb', 'contact')],
    ['while contacts are matched', atStep('match.settle', 'contact')],
    ['while contacts are planned', atStep('plan.part', 'contact')],
  ])('%s leaves nothing, and the next one is complete', async (_moment, place) => {
    await inWorld(here, async (world) => {
      await using hold = await holdAt(world, place);
      const { run, result } = await world.start();
      await hold.reached();
      await handleOf(world).cancel();
      await hold.release();
      await cancelled(world, result);
      expect((await world.files(run)).report.status).toBe('cancelled');
      await expectNothingWritten(world);
      await expectFullNight(world);
      expect(await statuses(world)).toEqual(['success', 'cancelled']);
    });
  });

  test('at the gate leaves nothing', async () => {
    await inWorld({ ...here, overrides: { approval: 'always' } }, async (world) => {
      const { result } = await world.start();
      await awaitingApproval(world);
      await handleOf(world).cancel();
      await cancelled(world, result);
      await expectNothingWritten(world);
    });
  });

  test('during apply ends the parts that are being sent, begins no new one and defers the rest; the next one sends it', async () => {
    await inWorld(here, async (world) => {
      await world.setLeads(true);
      // Of three parts of the store two are sent at once: these stand here, all of Salesforce is sent.
      await using hold = await holdAt(world, atStep('apply.store'));
      const { run, result } = await world.start();
      await hold.reached();
      await handleOf(world).cancel();
      await expect.poll(async () => cancelSeen(world), { timeout: 30_000 }).toBe(true);
      await hold.release();
      await cancelled(world, result);
      const { report, intents } = await world.files(run);
      expect(report.status).toBe('cancelled');
      const { applied, deferred } = report.intents.personalization;
      expect({ sent: applied > 0, left: deferred > 0, all: applied + deferred }).toEqual({ sent: true, left: true, all: 6 });
      expect(report.intents.salesforce).toMatchObject({ deferred: 0 });
      for (const line of intents.split('\n').filter((each) => each.includes(',deferred,')))
        expect(line).toMatch(/^personalization,.*,deferred,,cancelled$/);

      const next = await world.night();
      expect(next.status).toBe('success');
      const after = await world.files(next.run);
      expect(after.report.intents.personalization.applied).toBe(deferred);
      expect(after.report.intents.salesforce.applied).toBe(0);
      expect(after.report.objects.contact.kept).toBe(after.report.objects.contact.outcomes.linked);
    });
  });
});

/** The run has begun to handle the cancel: no part is begun from here on. */
async function cancelSeen(world: World): Promise<boolean> {
  const { events } = await handleOf(world).fetchHistory();
  return (events ?? []).some(({ activityTaskCancelRequestedEventAttributes }) => Boolean(activityTaskCancelRequestedEventAttributes));
}

describe('a run that cannot go on', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-settings-'));
  afterAll(() => rm(folder, { recursive: true }));

  test('fails with what is wrong in the settings file, and leaves no open run', async () => {
    cpSync(data, folder, { recursive: true });
    await inWorld({ ...here, data: folder }, async (world) => {
      const file = path.join(folder, 'crm-sync.yaml');
      writeFileSync(file, 'objects:\n  contact:\n    matchFeilds: []\n');
      const error = await world.night().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(messages(error)).toMatch(/crm-sync\.yaml:3.*matchFeilds.*matchFields/s);
      expect(await statuses(world)).toEqual([]);
      cpSync(data, folder, { recursive: true });
      await expectFullNight(world);
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
      await expectFullNight(world);
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
