import { expect, test } from 'vitest';
import { strike } from '../apply/night-world.ts';
import { outcomes } from '../guards/outcomes.ts';
import { peopleDirectory, writtenContacts } from '../guards/people.ts';
import { inWorld } from '../night/in-world.ts';
import { testNamespace } from '../services/namespace.ts';

const temporal = await testNamespace();
/** One more than go by collections. */
const count = 2_001;

test.each([
  ['somebody aborts the job', { end: 'Aborted', afterRows: 2_000 }, 1, 'abortedInSalesforce', 1, 'somebody aborted a Bulk job in Salesforce'],
  [
    'no result names some rows',
    { lostRows: 3 },
    1,
    'dailyBatches',
    3,
    "no result of a Bulk job names some of its rows, as when the org's daily batches are used up",
  ],
  [
    'three jobs in a row leave all unprocessed',
    { end: 'Failed', afterRows: 0 },
    3,
    'unprocessed',
    count,
    'Salesforce left rows of three Bulk jobs in a row unprocessed',
  ],
])('Bulk: where %s the run is partial and says so, and the next one sends the rest', async (_, job, times, reason, rest, sentence) => {
  await inWorld({ data: peopleDirectory({ count }), temporal, overrides: { approval: 'never' } }, async (world) => {
    await strike(world.simulator, { path: '/jobs/ingest', method: 'POST', count: times, fault: { kind: 'job', ...job } });
    const { run, result } = await world.start();
    expect((await result()).status).toBe('partial');
    expect(await outcomes(world, run)).toEqual({
      'personalization applied': count,
      ...(rest === count ? {} : { 'salesforce applied': count - rest }),
      [`salesforce deferred ${reason}`]: rest,
    });
    const { report } = await world.files(run);
    expect(report.status).toBe('partial');
    expect(report.warnings).toEqual([`${sentence}: ${rest} writes to ${rest} records wait for the next run`]);
    expect((await world.night()).status).toBe('success');
    const written = Object.values(await writtenContacts(world));
    expect([written.length, ...new Set(written)]).toEqual([count, 1]);
  });
});
