import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { Progress } from '../../src/domain/progress.ts';
import { testNamespace } from '../services/namespace.ts';
import { atClose, atStep, holdAt } from './hold.ts';
import type { Place } from './hold.ts';
import { inWorld } from './in-world.ts';
import { expectSameResult } from './same-result.ts';
import type { NightFiles, World } from './world.ts';

const temporal = await testNamespace();
const data = path.join(import.meta.dirname, 'small');
const here = { data, temporal };
let leadsOn: NightFiles;
let leadsOff: NightFiles;

beforeAll(async () => {
  await inWorld(here, async (world) => {
    await world.setLeads(true);
    leadsOn = await filesOf(world);
  });
  await inWorld(here, async (world) => {
    leadsOff = await filesOf(world);
  });
});

async function filesOf(world: World): Promise<NightFiles> {
  const { run, status } = await world.night();
  expect(status).toBe('success');
  return world.files(run);
}

const leadRows = (csv: string): readonly string[] => csv.split('\n').filter((line) => /^Lead,|,Lead,/.test(line));

type Target = 'control' | 'run';
const signal = async (world: World, target: Target, name: 'enableLeads' | 'disableLeads'): Promise<void> =>
  world.client.workflow.getHandle(target === 'control' ? world.name : `${world.name}-run`).signal(name);

/** Until the run knows of the switch: a signal is answered before it is handled. */
async function known(world: World, leads: boolean): Promise<void> {
  await expect.poll(async () => (await progressOf(world)).leads, { timeout: 30_000, interval: 30 }).toBe(leads);
}

const progressOf = (world: World): Promise<Progress> => world.client.workflow.getHandle(`${world.name}-run`).query('progress');

test('R16 the two nights to compare with: leads on are linked and written, leads off are neither listed nor written', () => {
  expect(leadsOn.report.leadsEnabled).toBe(true);
  expect(leadsOn.report.objects.lead.outcomes).toEqual({ linked: 2, unmatched: 1, ambiguous: 0, conflicting: 0, suppressed: 1, ineligible: 1 });
  expect(leadRows(leadsOn.intents)).toHaveLength(2);
  expect(leadsOff.report.leadsEnabled).toBe(false);
  expect(leadRows(leadsOff.records)).toEqual([]);
  expect(leadRows(leadsOff.intents)).toEqual([]);
});

const moments: readonly (readonly [moment: string, place: Place, target: Target])[] = [
  ['while contacts are fetched', atStep('fetch.absorb', 'contact'), 'control'],
  ['while contacts are matched', atStep('match.settle', 'contact'), 'run'],
  ['when contacts are matched', atStep('match.finish', 'contact'), 'control'],
  ['while contacts are planned', atStep('plan.part', 'contact'), 'run'],
  ['when the plan is done', atStep('plan.finish'), 'control'],
  ['when links are committed', atStep('apply.links'), 'run'],
  ['while users are written', atStep('apply.store', 'contact'), 'control'],
  ['while the run is closed', atClose, 'run'],
];

describe('R16 switched on during a run, the result is that of a run begun with leads on', () => {
  test.each(moments)('%s', async (_moment, place, target) => {
    await inWorld(here, async (world) => {
      await using hold = await holdAt(world, place);
      const { run, result } = await world.start();
      await hold.reached();
      await signal(world, target, 'enableLeads');
      await known(world, true);
      await hold.release();
      expect(await result()).toEqual({ run, status: 'success' });
      expectSameResult(await world.files(run), leadsOn);
    });
  });

  test('at the gate: the plan that was shown is overtaken, the new one waits for approval', async () => {
    await inWorld({ ...here, overrides: { approval: 'always' } }, async (world) => {
      const { run, result } = await world.start();
      const handle = world.client.workflow.getHandle(`${world.name}-run`);
      const waiting = async (): Promise<string | null> => {
        const { status, planDigest } = await progressOf(world);
        return status === 'awaitingApproval' ? planDigest : null;
      };
      await expect.poll(waiting, { timeout: 60_000 }).not.toBeNull();
      const first = await waiting();
      await signal(world, 'control', 'enableLeads');
      await expect.poll(async () => [null, first].includes(await waiting()), { timeout: 60_000 }).toBe(false);
      await expect(handle.executeUpdate('approve', { args: [first] })).rejects.toThrow();
      await handle.executeUpdate('approve', { args: [await waiting()] });
      expect(await result()).toEqual({ run, status: 'success' });
      expectSameResult(await world.files(run), leadsOn);
    });
  });

  test('by the Temporal command line, and for later runs as well', async () => {
    await inWorld(here, async (world) => {
      await using hold = await holdAt(world, atStep('match.begin', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      const where = ['--address', temporal.address, '--namespace', temporal.namespace];
      await promisify(execFile)(inject('temporalCli'), ['workflow', 'signal', '--workflow-id', world.name, '--name', 'enableLeads', ...where]);
      await known(world, true);
      await hold.release();
      expect((await result()).status).toBe('success');
      expectSameResult(await world.files(run), leadsOn);
      const next = await filesOf(world);
      expect(next.report.leadsEnabled).toBe(true);
      expect(next.report.objects.lead.kept).toBe(2);
    });
  });
});

describe('R16 switched off, leads are neither listed nor written', () => {
  test('before a run', async () => {
    await inWorld(here, async (world) => {
      await world.setLeads(true);
      await world.setLeads(false);
      expectSameResult(await filesOf(world), leadsOff);
    });
  });

  test.each(moments.slice(0, 5))('%s: as in a run begun with leads off', async (_moment, place, target) => {
    await inWorld(here, async (world) => {
      await world.setLeads(true);
      await using hold = await holdAt(world, place);
      const { run, result } = await world.start();
      await hold.reached();
      await signal(world, target, 'disableLeads');
      await known(world, false);
      await hold.release();
      expect((await result()).status).toBe('success');
      expectSameResult(await world.files(run), leadsOff);
      expect((await world.database.query(`select from link where object = 'lead'`)).rowCount).toBe(0);
    });
  });

  test('once links are committed: what is not begun is deferred, and written when they are on again', async () => {
    await inWorld(here, async (world) => {
      await world.setLeads(true);
      await using hold = await holdAt(world, atStep('apply.links'));
      const { run, result } = await world.start();
      await hold.reached();
      await signal(world, 'control', 'disableLeads');
      await known(world, false);
      await hold.release();
      expect((await result()).status).toBe('success');
      const { records, intents } = await world.files(run);
      expect(records).toBe(leadsOn.records);
      const leadIntents = intents.split('\n').filter((line) => line.includes(',Lead,') || line.includes(',leadStatus,'));
      expect(leadIntents).toHaveLength(4);
      for (const line of leadIntents) expect(line).toMatch(/,deferred,,leadsOff$/);
      expect(await writesOf(world, 'Lead')).toEqual([]);

      const resting = await filesOf(world);
      expect(leadRows(resting.records)).toEqual([]);
      await world.setLeads(true);
      const again = await filesOf(world);
      expect(again.report.objects.lead.kept).toBe(2);
      expect(again.report.intents.personalization.applied + again.report.intents.salesforce.applied).toBe(4);
    });
  });

  test('off and on again while they are applied: everything is written', async () => {
    await inWorld(here, async (world) => {
      await world.setLeads(true);
      await using hold = await holdAt(world, atStep('apply.links'));
      const { run, result } = await world.start();
      await hold.reached();
      await signal(world, 'run', 'disableLeads');
      await signal(world, 'run', 'enableLeads');
      await expect.poll(() => switchOf(world), { timeout: 30_000 }).toEqual({ enabled: true, revision: 3 });
      await hold.release();
      expect((await result()).status).toBe('success');
      expectSameResult(await world.files(run), leadsOn);
    });
  });
});

const switchOf = (world: World): Promise<unknown> => world.client.workflow.getHandle(world.name).query('settings');

async function writesOf(world: World, object: string): Promise<unknown> {
  const response = await fetch(`${world.simulator.url}/__simulator/updates?object=${object}`);
  return response.json();
}

test('R16 a signal in the last moment is not lost: the run that took it ends with leads, or the next one begins with them', async () => {
  const nights = 12;
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`SEED=${seed}`);
  const random = mulberry(seed);
  await inWorld(here, async (world) => {
    let inTheRun = 0;
    for (let night = 0; night < nights; night++) {
      await world.setLeads(false);
      await using hold = await holdAt(world, atClose);
      const { run, result } = await world.start();
      await hold.reached();
      const ended = result();
      await hold.release();
      let taken = false;
      let sent = false;
      let over = false;
      void ended.then(() => (over = true));
      for (let each = 0; each < 3 && !over; each++) {
        await new Promise((resolve) => setTimeout(resolve, random() * 40));
        const target = random() < 0.6 ? 'run' : 'control';
        await signal(world, target, 'enableLeads').then(
          () => {
            sent = true;
            taken ||= target === 'run';
          },
          (error: Error) => expect(error.message).toMatch(/already completed|not found/i),
        );
      }
      expect((await ended).status).toBe('success');
      const { report, records } = await world.files(run);
      if (taken) expect(report.leadsEnabled).toBe(true);
      expect(leadRows(records)).toHaveLength(report.leadsEnabled ? 5 : 0);
      if (report.leadsEnabled) inTheRun += 1;
      await expect.poll(() => switchOf(world), { timeout: 10_000 }).toMatchObject({ enabled: sent });
      expect((await world.database.query('select enabled from lead_switch')).rows).toEqual([{ enabled: sent }]);
    }
    expect(inTheRun).toBeGreaterThan(0);
  });
});

test('a signal that nobody listens to shows in the current details of the run and of the control', async () => {
  await inWorld(here, async (world) => {
    await using hold = await holdAt(world, atStep('match.begin', 'contact'));
    const { result } = await world.start();
    await hold.reached();
    const details = async (workflowId: string): Promise<string> => {
      const { currentDetails } = (await world.client.workflow.getHandle(workflowId).query('__temporal_workflow_metadata')) as {
        currentDetails: string;
      };
      return currentDetails;
    };
    for (const workflowId of [world.name, `${world.name}-run`]) {
      await world.client.workflow.getHandle(workflowId).signal('enabelLeads');
      await expect.poll(() => details(workflowId), { timeout: 30_000 }).toContain('`enabelLeads`');
    }
    expect(await details(`${world.name}-run`)).toMatch(/\| fetch \| contact \| done \| 1[0-9] of 1[0-9] \|/);
    await hold.release();
    expect((await result()).status).toBe('success');
  });
});

/** Numbers from 0 to 1 that a seed gives again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
