import type { PoolClient } from 'pg';
import { identifier, raw, sql } from '../postgres/sql.ts';
import { goneNowSql, kindsRead, listGoneOfLedger, objectsOfKind } from './gone.ts';
import type { OpenRun } from './runs.ts';

export interface Erased {
  /** Persons who are gone. */
  readonly persons: number;
  /** Links of theirs that were still open. */
  readonly ended: number;
}

/**
 * R23: persons who are absent from this run's complete read are unlinked, and their ids and values are erased from ledger and mirror: links and their history, decisions and
 * notes, what was written of them, match keys, intents of all runs. Rows stay where counts are made of them, without an id. What stands in Salesforce is Salesforce's and stays, in its copy as
 * well. In the transaction that makes the links real, after them; a repeat finds nobody left.
 */
export async function eraseGone(tx: PoolClient, run: Pick<OpenRun, 'run' | 'runNo'>): Promise<Erased> {
  await dropPersonStages(tx, run.runNo);
  await listGoneOfLedger(tx, run);
  const counts = { persons: 0, ended: 0 };
  for (const kind of await kindsRead(tx, run)) {
    const objects = objectsOfKind(kind);
    const found = await tx.query(
      sql`create temp table erased on commit drop as select pers_id, rec from (${raw(goneNowSql)}) g where g.kind = ${raw(`'${kind}'`)}`,
    );
    if (found.rowCount !== 0) {
      await tx.query('analyze erased');
      const persons = await tx.query<{ persons: number }>('select count(distinct pers_id) as persons from erased');
      counts.persons += persons.rows[0]?.persons ?? 0;
      // Objects that were not matched in this run have open links still.
      const ended = await tx.query(sql`
        update link set ended_run = ${run.run}, ended_at = now(), ended_reason = 'personGone'
         where object = any(${objects}) and ended_run is null and pers_id in (select pers_id from erased)`);
      counts.ended += ended.rowCount ?? 0;
      await eraseWritten(tx, objects);
      await tx.query(sql`update link set pers_id = null where object = any(${objects}) and pers_id in (select pers_id from erased)`);
      await tx.query(sql`update decision set pers_id = null, note = null where object = any(${objects}) and pers_id in (select pers_id from erased)`);
      await tx.query(sql`delete from pers_key where object = any(${objects}) and rec in (select rec from erased)`);
      await tx.query(sql`update hot_member set value = '' where object = any(${objects}) and side = 'pers' and rec in (select rec from erased)`);
      await tx.query(sql`
        update intent_set set before = '{}', after = '{}', target_id = case side when 'personalization' then '' else target_id end
         where object = any(${objects}) and pers in (select rec from erased)`);
      await tx.query(sql`delete from gone_person where kind = ${kind} and pers_id in (select pers_id from erased)`);
    }
    await tx.query('drop table erased');
  }
  return counts;
}

/** What was sent to a record while it was linked to one of them: of a person account it went to the account (R22). */
async function eraseWritten(tx: PoolClient, objects: readonly string[]): Promise<void> {
  await tx.query(sql`
    delete from written w using (
      select l.crm_id as rec_id, l.made_at, l.ended_at from link l where l.object = any(${objects}) and l.pers_id in (select pers_id from erased)
      union all
      select c.account_id, l.made_at, l.ended_at
        from link l join crm_record c on c.object = 'contact' and c.crm_id = l.crm_id and c.person_account and c.account_id is not null
       where l.object = 'contact' and l.object = any(${objects}) and l.pers_id in (select pers_id from erased)) theirs
     where w.rec_id = theirs.rec_id and w.sent_at >= theirs.made_at and w.sent_at <= coalesce(theirs.ended_at, 'infinity')`);
}

/** Pages of persons that a run which ended in the middle of a read has left. */
async function dropPersonStages(tx: PoolClient, runNo: number): Promise<void> {
  const found = await tx.query<{ name: string }>(sql`
    select tablename as name from pg_tables
     where schemaname = current_schema() and tablename ~ '^stage_[0-9]+_(users|accounts)$' and not starts_with(tablename, ${`stage_${runNo}_`})`);
  for (const { name } of found.rows) await tx.query(sql`drop table if exists ${identifier(name)}`);
}
