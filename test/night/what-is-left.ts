import path from 'node:path';
import { expect } from 'vitest';
import { listRuns } from '../../src/operator/runs.ts';
import type { TestNamespace } from '../services/namespace.ts';
import { inWorld } from './in-world.ts';
import { expectSameResult } from './same-result.ts';
import type { NightFiles, World } from './world.ts';

/** The data of tests that disturb a night and look at what it left. */
export const small = path.join(import.meta.dirname, 'small');

/** The first night over it that nobody disturbs. */
export async function undisturbedNight(temporal: TestNamespace): Promise<NightFiles> {
  let files: NightFiles | undefined;
  await inWorld({ data: small, temporal }, async (world) => {
    files = await world.files((await world.night()).run);
  });
  return files as NightFiles;
}

/** What a run must not leave when it ended before its links were committed. */
export async function expectNothingWritten(world: World): Promise<void> {
  expect((await world.database.query('select from link')).rowCount).toBe(0);
  expect((await world.database.query('select from written')).rowCount).toBe(0);
  for (const object of ['Account', 'Contact', 'Lead']) expect(await updatesOf(world, object)).toEqual([]);
  const people = await world.database.query(`select from personalization.crm_sync_batch`);
  expect(people.rowCount).toBe(0);
}

export async function updatesOf(world: World, object: string): Promise<unknown> {
  return (await fetch(`${world.simulator.url}/__simulator/updates?object=${object}`)).json();
}

export async function statuses(world: World): Promise<readonly string[]> {
  return (await listRuns(world.database, 10)).map(({ status }) => status);
}

/** The night after a disturbed one ends as the first one of an undisturbed world. */
export async function expectFullNight(world: World, undisturbed: NightFiles): Promise<void> {
  const { run, status } = await world.night();
  expect(status).toBe('success');
  expectSameResult(await world.files(run), undisturbed);
}
