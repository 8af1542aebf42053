import { beforeAll, expect, test } from 'vitest';
import type { PlanSummary } from '../../src/domain/guards.ts';
import { handleOf, reaches } from '../guards/waiting.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectSameResult } from './same-result.ts';
import { expectNothingWritten, small, undisturbedNight } from './what-is-left.ts';
import type { NightFiles, World } from './world.ts';

const temporal = await testNamespace();
const here = { data: small, temporal };
let undisturbed: NightFiles;

beforeAll(async () => {
  undisturbed = await undisturbedNight(temporal);
});

const awaitingApproval = async (world: World): Promise<string> => (await reaches(world, 'awaitingApproval')).planDigest ?? '';

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
