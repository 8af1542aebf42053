import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, inject, test } from 'vitest';
import { listRuns } from '../../src/operator/runs.ts';
import { strike } from '../apply/night-world.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from './hold.ts';
import { expectSameResult } from './same-result.ts';
import { startWorld } from './world.ts';
import type { NightFiles, World } from './world.ts';

const exec = promisify(execFile);
const temporal = await testNamespace();
const data = path.join(import.meta.dirname, 'small');
let undisturbed: NightFiles;

/** Executions that the command line makes are none that the test started: no replay at the end. */
async function within(body: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld({ data, temporal });
  try {
    await body(world);
  } finally {
    await world.stop();
  }
}

beforeAll(() => within(async (world) => void (undisturbed = await world.files((await world.night()).run))));

async function temporalCli(world: World, command: string, ...more: readonly string[]): Promise<void> {
  const place = ['--workflow-id', `${world.name}-run`, '--address', temporal.address, '--namespace', temporal.namespace, '--reason', 'a test'];
  await exec(inject('temporalCli'), ['workflow', command, ...place, ...more]);
}

/** How the newest execution of the run ended. */
async function ending(world: World): Promise<unknown> {
  return world.client.workflow.getHandle(`${world.name}-run`).result();
}

async function updates(world: World): Promise<readonly number[]> {
  const ofObject = async (object: string): Promise<{ updates: number }[]> =>
    (await (await fetch(`${world.simulator.url}/__simulator/updates?object=${object}`)).json()) as { updates: number }[];
  return (await Promise.all(['Account', 'Contact', 'Lead'].map(ofObject))).flat().map((each) => each.updates);
}

test.each([
  ['FirstWorkflowTask', 'while contacts are fetched', atStep('fetch.absorb', 'contact')],
  ['FirstWorkflowTask', 'while it is applied', atStep('apply.part')],
  ['LastWorkflowTask', 'while it is applied', atStep('apply.part')],
] as const)(
  'an open run that is reset to its %s %s ends as one that was not: nothing is lost, nothing written twice',
  async (point, _moment, place) => {
    await within(async (world) => {
      await using hold = await holdAt(world, place);
      const { run } = await world.start();
      await hold.reached();
      await temporalCli(world, 'reset', '--type', point);
      await hold.release();
      expect(await ending(world)).toEqual({ run, status: 'success' });
      expectSameResult(await world.files(run), undisturbed);
      expect((await updates(world)).every((each) => each === 1)).toBe(true);
      expect((await world.night()).status).toBe('success');
      expect((await updates(world)).every((each) => each === 1)).toBe(true);
    });
  },
);

test('an open run that is reset while a part of the old one does not let go yet reads its objects all the same', async () => {
  await within(async (world) => {
    // The read of the contacts is done but for its job, whose deletion takes long: it holds nothing in the ledger.
    await strike(world.simulator, { path: '/jobs/query/*', method: 'DELETE', count: 3, fault: { kind: 'delay', ms: 10_000 } });
    const { run } = await world.start();
    const struck = async (): Promise<number> =>
      ((await (await fetch(`${world.simulator.url}/__simulator/faults`)).json()) as { struck: number }).struck;
    await expect.poll(struck, { timeout: 60_000 }).toBeGreaterThan(0);
    await temporalCli(world, 'reset', '--type', 'FirstWorkflowTask');
    await strike(world.simulator);
    expect(await ending(world)).toEqual({ run, status: 'success' });
    expectSameResult(await world.files(run), undisturbed);
  });
});

test('a run that has ended and is reset is refused, with what to do; its report and what it wrote stay', async () => {
  await within(async (world) => {
    const { run } = await world.night();
    const before = await world.files(run);
    await temporalCli(world, 'reset', '--type', 'FirstWorkflowTask');
    await expect(ending(world)).rejects.toMatchObject({
      cause: { cause: { type: 'RUN_CLOSED', message: expect.stringContaining('crm-sync run') as string } },
    });
    expect(await world.files(run)).toEqual(before);
    expect((await updates(world)).every((each) => each === 1)).toBe(true);
    expect((await world.night()).status).toBe('success');
  });
});

test('runs that are terminated one after the other, in each step: the next night is complete, and each row was written once', async () => {
  await within(async (world) => {
    const places = [
      atStep('fetch.page', 'contact'),
      atStep('match.settle', 'contact'),
      atStep('plan.part', 'contact'),
      atStep('apply.links', 'all'),
      atStep('apply.part'),
    ];
    for (const place of places) {
      await using hold = await holdAt(world, place);
      const { result } = await world.start();
      await hold.reached();
      await temporalCli(world, 'terminate');
      await expect(result()).rejects.toThrow();
      await hold.release();
    }
    const { run, status } = await world.night();
    expect(status).toBe('success');
    const { records } = await world.files(run);
    expect(records.replaceAll(',kept,', ',,')).toBe(undisturbed.records);
    expect((await updates(world)).every((each) => each === 1)).toBe(true);
    expect((await updates(world)).length).toBe(undisturbed.report.intents.salesforce.applied);
    const statuses = (await listRuns(world.database, 10)).map((each) => each.status);
    expect(statuses).toEqual(['success', ...places.map(() => 'failed')]);
    const quiet = await world.files((await world.night()).run);
    expect(quiet.report.intents.salesforce.applied + quiet.report.intents.personalization.applied).toBe(0);
  });
});
