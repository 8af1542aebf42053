import path from 'node:path';
import { expect, test } from 'vitest';
import { readSettings } from '../../src/config/load.ts';
import { applySchedule, scheduleId, withSchedule } from '../../src/cli/night-schedule.ts';
import { renderReport } from '../../src/operator/report.ts';
import { orgOf } from '../identity/org.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';

const temporal = await testNamespace();
const data = path.join(import.meta.dirname, '../night/small');
const [linked, ghost] = ['003000000000001AAA', '003000000000004AAA'] as const;

async function set({ simulator }: World, change: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(change) });
  if (!answer.ok) throw new Error(await answer.text());
}

const contacts = (records: string): readonly string[] =>
  records.split('\n').flatMap((line) => (line.startsWith('Contact,') ? [line.split(',')[1] ?? ''] : []));

test('R21 R26 a linked contact that is deleted for good leaves records.csv, its link becomes a tombstone, and quiet nights cost a handful of calls', async () => {
  await inWorld({ data, temporal }, async (world) => {
    const first = await world.night();
    expect(contacts((await world.files(first.run)).records)).toContain(linked);
    await set(world, { advanceSeconds: 86_400 });
    const org = await orgOf(world);
    await org.remove('Contact', linked);
    await org.purge(linked);
    const second = await world.night();
    const { records, report } = await world.files(second.run);
    expect(second.status).toBe('success');
    expect(contacts(records)).not.toContain(linked);
    expect(report.objects.contact.fetched.salesforce).toBe(5);
    const links = await world.database.query<{ reason: string }>(
      `select ended_reason as reason from link where crm_id = '${linked}' and ended_run is not null`,
    );
    expect(links.rows).toEqual([{ reason: 'deleted' }]);
    await set(world, { advanceSeconds: 86_400 });
    await world.night();
    await set(world, { advanceSeconds: 86_400 });
    const quiet = await world.files((await world.night()).run);
    const read = quiet.report.steps.filter(({ step, read: way }) => step === 'fetch' && way !== undefined);
    expect(read.map(({ object, records: rows, read: way }) => [object, rows, way])).toEqual([
      ['account', 0, 'window'],
      ['contact', 0, 'window'],
    ]);
    expect(quiet.report.apiCalls.used).toBeLessThanOrEqual(13);
  });
});

test('run --full finds what the log had missed, and the report says so', async () => {
  await inWorld({ data, temporal }, async (world) => {
    await world.night();
    // The load of the org lies within the overlap of the first night.
    await set(world, { advanceSeconds: 86_400 });
    await world.night();
    await set(world, { advanceSeconds: 86_400 });
    await world.database.query(`delete from crm_record where crm_id = '${ghost}'`);
    const blind = await world.files((await world.night()).run);
    expect(contacts(blind.records)).not.toContain(ghost);
    const { run } = await world.night({ full: true });
    const { records, report } = await world.files(run);
    expect(contacts(records)).toContain(ghost);
    expect(report.steps.find(({ step, object }) => step === 'fetch' && object === 'contact')).toMatchObject({
      read: 'full',
      reason: 'asked',
      missed: 1,
    });
    expect(renderReport(report)).toContain('contacts were read in full as asked for: 1 changes that the log of changes had missed.');
  });
});

test('a night of the Schedule stands for its slot', async () => {
  await inWorld({ data, temporal }, async (world) => {
    await applySchedule(world.client, readSettings({ text: '', env: {}, overrides: { name: world.name, 'schedule.cron': '0 0 1 1 *' } }).settings);
    await withSchedule(world.client, world.name, (schedule) => schedule.trigger('SKIP'));
    const schedule = world.client.schedule.getHandle(scheduleId(world.name));
    await expect.poll(async () => (await schedule.describe()).info.numActionsTaken, { timeout: 30_000 }).toBe(1);
    const { workflowId, firstExecutionRunId: runId } = (await schedule.describe()).info.recentActions.at(-1)?.action.workflow ?? {
      workflowId: '',
      firstExecutionRunId: '',
    };
    world.started.push({ workflowId, runId });
    await world.client.workflow.getHandle(workflowId, runId).result();
    const { events } = await world.client.workflow.getHandle(`${world.name}-run`).fetchHistory();
    const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
    const slot = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.exec(workflowId)?.[0];
    expect(slot).toBeDefined();
    expect((JSON.parse(Buffer.from(input ?? []).toString()) as { nominalAt: string }).nominalAt).toBe(slot);
    await schedule.delete();
  });
});
