import { expect, test } from 'vitest';
import type { SettingValues } from '../../src/config/load.ts';
import { atStep, atSubmitted, holdAt } from '../night/hold.ts';
import type { Place } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { outcomes } from './outcomes.ts';
import { peopleDirectory, setOrg, writtenContacts } from './people.ts';
import { reaches } from './waiting.ts';

const temporal = await testNamespace();
/** One more than go by collections. */
const count = 2_001;
const left = `${count} writes to ${count} records`;
const spent = { apiRequestsUsed: 100_000 } as const;

/** A night whose org has no call left once it stands at `place`. */
async function spentAt(
  place: Place,
  overrides: SettingValues,
  body: (world: World, run: string, ended: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const all = { approval: 'never', 'salesforce.apiBudget.reserve': '0%', ...overrides } as const;
  await inWorld({ data: peopleDirectory({ count }), temporal, overrides: all }, async (world) => {
    const hold = await holdAt(world, place);
    const { run, result } = await world.start({ budgetPauseMs: 1_500 });
    await hold.reached();
    await setOrg(world, spent);
    await hold.release();
    await body(world, run, async () => (await result()).status);
  });
}

/** Each contact was written, and once. */
async function expectWrittenOnce(world: World): Promise<void> {
  const written = Object.values(await writtenContacts(world));
  expect([written.length, ...new Set(written)]).toEqual([count, 1]);
}

test.each<[string, Place, string]>([
  ['before a Bulk job is opened', atStep('apply.reserve'), 'apiBudget'],
  ['before a Bulk job is handed over', atSubmitted, 'unconfirmed'],
])('R27 the API calls are used up %s: the rest is deferred, the run is partial, and the next one sends it', async (_, place, reason) => {
  await spentAt(place, {}, async (world, run, ended) => {
    expect(await ended()).toBe('partial');
    expect(await outcomes(world, run)).toEqual({ 'personalization applied': count, [`salesforce deferred ${reason}`]: count });
    expect(await writtenContacts(world)).toEqual({});
    await setOrg(world, { apiRequestsUsed: 0 });
    const { report } = await world.files(run);
    expect(report.warnings).toEqual([
      reason === 'apiBudget'
        ? `salesforce.apiBudget is spent: ${left} wait for the next run`
        : `${left} may have been sent; the next run reads what came of them`,
    ]);
    expect((await world.night()).status).toBe('success');
    await expectWrittenOnce(world);
    expect((await world.database.query(`select from write_job where state not in ('done', 'abandoned')`)).rowCount).toBe(0);
  });
});

test('R27 a run that pauses goes on with the Bulk job that it had opened', async () => {
  await spentAt(atSubmitted, { 'salesforce.apiBudget.whenSpent': 'pause' }, async (world, run, ended) => {
    await reaches(world, 'paused');
    await setOrg(world, { apiRequestsUsed: 0 });
    expect(await ended()).toBe('success');
    expect(await outcomes(world, run)).toEqual({ 'personalization applied': count, 'salesforce applied': count });
    await expectWrittenOnce(world);
  });
});
