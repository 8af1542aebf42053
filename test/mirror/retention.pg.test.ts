import { expect, test } from 'vitest';
import { forgetOldRuns, openRunPartitions } from '../../src/mirror/match/partitions.ts';
import { keepsWhatItFound } from '../../src/operator/runs.ts';
import { sql } from '../../src/postgres/sql.ts';
import { matchDatabase } from '../match/match-fixture.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

/** A run that ended so many days ago. */
async function run(name: string, daysAgo: number, wrote: boolean): Promise<number> {
  const made = await database.query<{ run_no: number }>(sql`
    insert into run (run, kind, status, workflow_id, settings, settings_hash, decision_seq, leads, started_at, finished_at, links_committed_at)
    values (${name}, 'night', 'success', 'w', '{}', 'h', 0, false, now(), now() - make_interval(days => ${daysAgo}), ${wrote ? 'now' : null}::timestamptz)
    returning run_no`);
  const runNo = made.rows[0]?.run_no ?? 0;
  await openRunPartitions(database, runNo);
  return runNo;
}

async function kept(runs: readonly number[]): Promise<readonly number[]> {
  const found = await database.query<{ run_no: number }>(sql`
    select r as run_no from unnest(${runs}::bigint[]) r where to_regclass('intent_set_r' || r) is not null and to_regclass('crm_outcome_r' || r || '_contact') is not null order by 1`);
  return found.rows.map(({ run_no }) => run_no);
}

test('what runs found is forgotten after the days of the setting, but for the last run that wrote and what came after it', async () => {
  const [old, preview, last, later, recent] = [
    await run('old', 40, true),
    await run('old preview', 35, false),
    await run('the last that wrote', 33, true),
    await run('a preview after it', 32, false),
    await run('a preview of today', 0, false),
  ];
  const all = [old, preview, last, later, recent];
  expect(await forgetOldRuns(database, 60)).toBe(0);
  expect(await kept(all)).toEqual(all);
  expect(await forgetOldRuns(database, 30)).toBe(2);
  expect(await kept(all)).toEqual([last, later, recent]);
  expect([await keepsWhatItFound(database, old), await keepsWhatItFound(database, last)]).toEqual([false, true]);
  expect(await forgetOldRuns(database, 30)).toBe(0);
  expect((await database.query(sql`select from run`)).rowCount).toBe(5);
});
