import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunResult } from '../../src/domain/progress.ts';
import { handleOf, reaches } from '../guards/waiting.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectFullNight, expectNothingWritten, small, statuses, undisturbedNight } from './what-is-left.ts';
import type { NightFiles, World } from './world.ts';

const temporal = await testNamespace();
const here = { data: small, temporal };
let undisturbed: NightFiles;

beforeAll(async () => {
  undisturbed = await undisturbedNight(temporal);
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
      await expectFullNight(world, undisturbed);
      expect(await statuses(world)).toEqual(['success', 'cancelled']);
    });
  });

  test('at the gate leaves nothing', async () => {
    await inWorld({ ...here, overrides: { approval: 'always' } }, async (world) => {
      const { result } = await world.start();
      await reaches(world, 'awaitingApproval');
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
