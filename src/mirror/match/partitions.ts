import { objectTypes } from '../../domain/objects.ts';
import type { Database, Queryable } from '../../postgres/database.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { matchTables, partitionName } from './context.ts';

const partitioned = [...matchTables, 'intent_set'] as const;

/** Makes the tables that hold what one run finds, empty. Those that are there stay as they are. */
export async function openRunPartitions(tx: Queryable, runNo: number): Promise<void> {
  for (const table of matchTables) {
    await tx.query(sql`
      create table if not exists ${identifier(`${table}_r${runNo}`)} partition of ${identifier(table)} for values in (${raw(String(runNo))}) partition by list (object)`);
    for (const object of objectTypes)
      await tx.query(sql`
        create table if not exists ${identifier(partitionName(table, runNo, object))} partition of ${identifier(`${table}_r${runNo}`)} for values in (${raw(`'${object}'`)})`);
  }
  // Every set of intents is changed once, when its outcome is known: half of each page is left free, so that this happens in place (HOT).
  await tx.query(
    sql`create table if not exists ${identifier(`intent_set_r${runNo}`)} partition of intent_set for values in (${raw(String(runNo))}) with (fillfactor = 50)`,
  );
}

/** Forgets what one run found; a second time does nothing. */
export async function dropRunPartitions(tx: Queryable, runNo: number): Promise<void> {
  for (const table of partitioned) await tx.query(sql`drop table if exists ${identifier(`${table}_r${runNo}`)}`);
  await tx.query(sql`delete from intent_field where run_no = ${runNo}`);
}

/**
 * Forgets what runs found that ended more than so many days ago; their reports and counts stay. Those from the last run that made links real on are kept, however old: the next plan compares with what it found.
 * One transaction a run, as each drops many tables. Returns how many runs. A second time does nothing.
 */
export async function forgetOldRuns(database: Database, days: number): Promise<number> {
  const found = await database.query<{ run_no: number }>(sql`
    select run_no from run
     where finished_at < now() - make_interval(days => ${days}) and to_regclass('intent_set_r' || run_no) is not null
       and run_no < (select max(run_no) from run where links_committed_at is not null)
     order by run_no`);
  for (const { run_no: runNo } of found.rows) await database.transaction((tx) => dropRunPartitions(tx, runNo));
  return found.rows.length;
}
