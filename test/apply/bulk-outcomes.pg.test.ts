import { expect, test } from 'vitest';
import { settleAbandoned } from '../../src/apply/abandoned.ts';
import { openBulkPart } from '../../src/apply/bulk-open.ts';
import { readBulkPart } from '../../src/apply/bulk-results.ts';
import type { ApplyDependencies } from '../../src/apply/dependencies.ts';
import { sweepOpenJobs } from '../../src/apply/open-jobs.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { sql } from '../../src/postgres/sql.ts';
import type { IngestResultRow } from '../../src/salesforce/side.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { applyBulk, bulkEnded } from './night-world.ts';
import type { NightWorld } from './night-world.ts';
import { editOrg, orgValue, withOrg } from './organisation.ts';

import { id, numbers, outcomes, reserved, still } from './reserved.ts';

const url = await testDatabaseUrl();

/** Leaves rows out of the results of jobs, or moves them to another file. */
function withResults(
  world: NightWorld,
  change: (kind: string, rows: readonly IngestResultRow[]) => readonly IngestResultRow[],
  state?: 'Failed' | 'Aborted',
): ApplyDependencies {
  return withOrg(world.deps, (real) => ({
    checkIngest: async (jobId) => {
      const progress = await real.checkIngest(jobId);
      return progress.state === 'JobComplete' && state !== undefined ? { ...progress, state } : progress;
    },
    async *readIngestResults(jobId, kind) {
      const rows: IngestResultRow[] = [];
      for await (const row of real.readIngestResults(jobId, kind)) rows.push(row);
      yield* change(kind, rows);
    },
  }));
}

async function oneJob(deps: ApplyDependencies, run: OpenRun, part: number): Promise<void> {
  const { jobNo } = await openBulkPart(deps, run, part, still);
  await bulkEnded(deps, jobNo ?? -1);
  await readBulkPart(deps, run, jobNo ?? -1, still);
}

test('R26 Bulk: the same', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'new1', id(1));
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'theirs', id(2));
  editOrg(world, 'update "Contact" set "IsDeleted" = 1 where "Id" = ?', id(3));
  await applyBulk(world.deps, run, crmPart);
  expect(await outcomes(world, run)).toEqual([
    '1,unchanged',
    '2,deferred,,changedMeanwhile',
    '3,rejected,ENTITY_IS_DELETED,the record is deleted',
    '4,applied',
  ]);
});

test('Bulk: a part of which nothing is left to send when it is looked at opens no job', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  for (const n of [1, 2]) editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', `new${n}`, id(n));
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'theirs', id(3));
  editOrg(world, 'update "Contact" set "IsDeleted" = 1 where "Id" = ?', id(4));
  expect(await openBulkPart(world.deps, run, crmPart, still)).toEqual({ jobNo: null });
  expect(await outcomes(world, run)).toEqual([
    '1,unchanged',
    '2,unchanged',
    '3,deferred,,changedMeanwhile',
    '4,rejected,ENTITY_IS_DELETED,the record is deleted',
  ]);
  const jobs = await world.deps.database.query(sql`select state, sf_job_id, rows_sent from write_job`);
  expect(jobs.rows).toEqual([{ state: 'done', sf_job_id: null, rows_sent: 0 }]);
});

test('Bulk: records that no result file names are looked at: written is applied, not written waits for the next night', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const deps = withResults(world, (_kind, rows) => rows.filter((row) => row.id !== id(1) && row.id !== id(2)));
  const { jobNo } = await openBulkPart(deps, run, crmPart, still);
  await bulkEnded(deps, jobNo ?? -1);
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'old', id(2));
  await readBulkPart(deps, run, jobNo ?? -1, still);
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,deferred,,dailyBatches', '3,applied', '4,applied']);
  expect(await openBulkPart(deps, run, crmPart, still)).toEqual({ jobNo: null });
  const jobs = await world.deps.database.query(sql`select state, rows_sent, ok, failed, unprocessed, missing, columns from write_job`);
  expect(jobs.rows).toEqual([{ state: 'done', rows_sent: 4, ok: 2, failed: 0, unprocessed: 0, missing: 2, columns: ['Department'] }]);
});

test('Bulk: what a failed job left unprocessed is sent again; little of it by collections', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const moved = (kind: string, rows: readonly IngestResultRow[]): readonly IngestResultRow[] =>
    kind === 'successful' ? rows.filter((row) => row.id !== id(1)) : kind === 'unprocessed' ? [{ id: id(1), columns: {} }] : rows;
  await oneJob(withResults(world, moved, 'Failed'), run, crmPart);
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'old', id(1));
  expect(await openBulkPart(world.deps, run, crmPart, still)).toEqual({ jobNo: null });
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,applied', '4,applied']);
  expect(orgValue(world, 'Department', id(1))).toBe('new1');
});

test('Bulk: a job that somebody aborted in Salesforce is not sent again', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const some = (kind: string, rows: readonly IngestResultRow[]): readonly IngestResultRow[] =>
    kind === 'successful' ? rows.filter((row) => row.id === id(1)) : rows;
  await oneJob(withResults(world, some, 'Aborted'), run, crmPart);
  expect(await outcomes(world, run)).toEqual(['1,applied', ...[2, 3, 4].map((n) => `${n},deferred,,abortedInSalesforce`)]);
  expect(await openBulkPart(world.deps, run, crmPart, still)).toEqual({ jobNo: null });
});

test('Bulk: of a job that is gone every record is looked at; written is applied, the rest is sent again', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const { jobNo } = await openBulkPart(world.deps, run, crmPart, still);
  await bulkEnded(world.deps, jobNo ?? -1);
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'old', id(2));
  const { rows } = await world.deps.database.query<{ id: string }>(sql`select sf_job_id as id from write_job`);
  await world.deps.salesforce.deleteIngest(rows[0]?.id ?? '');
  await readBulkPart(world.deps, run, jobNo ?? -1, still);
  expect(await openBulkPart(world.deps, run, crmPart, still)).toEqual({ jobNo: null });
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,applied', '4,applied']);
});

test('Bulk: results that name a record twice, or one that was not sent, are a failure, and nothing of them is kept', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const twice = withResults(world, (kind, rows) => (kind === 'failed' ? [{ id: id(1), columns: {} }] : rows));
  await expect(oneJob(twice, run, crmPart)).rejects.toMatchObject({ code: 'RESULTS_INCONSISTENT', kind: 'permanent' });
  const strange = withResults(world, (kind, rows) => (kind === 'failed' ? [{ id: '003000000000009AAA', columns: {} }] : rows));
  await expect(oneJob(strange, run, crmPart)).rejects.toMatchObject({ code: 'RESULTS_INCONSISTENT' });
  expect(await outcomes(world, run)).toEqual(['1', '2', '3', '4']);
});

test('Bulk: an attempt that was overtaken aborts what it opened and stops', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const opened: string[] = [];
  const aborted: string[] = [];
  const late = withOrg(world.deps, (real) => ({
    openIngest: async (object) => {
      await openBulkPart(world.deps, run, crmPart, still);
      const job = await real.openIngest(object);
      opened.push(job.jobId);
      return job;
    },
    abortIngest: async (jobId) => {
      aborted.push(jobId);
      await real.abortIngest(jobId);
    },
  }));
  await expect(openBulkPart(late, run, crmPart, still)).rejects.toMatchObject({ code: 'PART_TAKEN_OVER', kind: 'transient' });
  expect(aborted).toEqual(opened);
  await applyBulk(world.deps, run, crmPart);
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,applied', '4,applied']);
  expect([...(await world.updates('Contact')).values()]).toEqual([1, 1, 1, 1]);
});

test('an abandoned Bulk job: it is aborted if it still can be, and its records are looked at', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const { jobNo } = await openBulkPart(world.deps, run, crmPart, still);
  await bulkEnded(world.deps, jobNo ?? -1);
  const next = await world.open('two');
  expect(await settleAbandoned(world.deps, next, still)).toBe(1);
  expect(await outcomes(world, run)).toEqual(numbers.map((n) => `${n},applied`));
  expect(await outcomes(world, run, 'personalization')).toEqual(numbers.map((n) => `u${n},deferred,,abandoned`));
});

test('Open jobs that the ledger does not know are aborted once they are an hour old, others are left alone', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const stopping = withOrg(world.deps, () => ({ uploadIngest: () => Promise.reject(new Error('stopped')) }));
  await expect(openBulkPart(stopping, run, crmPart, still)).rejects.toThrow('stopped');
  const orphan = await world.deps.salesforce.openIngest('Contact');
  const open = async (): Promise<number> => (await world.deps.salesforce.listOpenIngestJobs()).length;
  expect(await sweepOpenJobs(world.deps, Date.now())).toBe(0);
  expect(await open()).toBe(2);
  expect(await sweepOpenJobs(world.deps, Date.now() + 3_700_000)).toBe(1);
  expect((await world.deps.salesforce.listOpenIngestJobs()).map(({ jobId }) => jobId)).not.toContain(orphan.jobId);
  expect(await open()).toBe(1);
});
