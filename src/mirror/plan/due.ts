import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { partitionName } from '../match/context.ts';
import { withHashJoins } from '../hash-joins.ts';
import type { RunShape } from '../run-shape.ts';
import { mappingsOf } from './mappings.ts';
import type { PlanContext } from './plan.ts';

/**
 * The run whose plan of an object was the last to be applied, if a pair that it compared need not be compared again as long as nothing changed: the newest run that made links real, and ended so; with the
 * same mappings, and with all that it found still there. Null: every pair is to be compared.
 */
export async function lastApplied(tx: PoolClient, ctx: PlanContext, object: ObjectType): Promise<number | null> {
  // A run that makes its links real a second time may have written to pairs that are none any more.
  const wrote = await tx.query(sql`select from step_ledger where run_no = ${ctx.runNo} and step = 'apply.links' limit 1`);
  if (wrote.rowCount !== 0) return null;
  const found = await tx.query<{ run_no: number; status: string; settings: RunShape }>(sql`
    select run_no, status, settings from run where links_committed_at is not null and run_no < ${ctx.runNo} order by run_no desc limit 1`);
  const earlier = found.rows[0];
  // One that ended half-way may have written by other mappings.
  if (earlier === undefined || (earlier.status !== 'success' && earlier.status !== 'partial')) return null;
  if (!isDeepStrictEqual(comparisons(earlier.settings, object), comparisons(ctx.shape, object))) return null;
  const there = await tx.query<{ there: boolean }>(sql`
    select to_regclass(${partitionName('crm_outcome', earlier.run_no, object)}) is not null and to_regclass(${`intent_set_r${earlier.run_no}`}) is not null
       and exists (select from step_ledger where run_no = ${earlier.run_no} and step = 'plan.begin' and object = ${object} and (counts->>'compared')::boolean) as there`);
  return there.rows[0]?.there === true ? earlier.run_no : null;
}

/** All that a pair is compared by, but for its values. An older run's settings may lack what this one needs: then they differ. */
function comparisons(shape: RunShape, object: ObjectType): unknown {
  try {
    return JSON.parse(JSON.stringify((['personalization', 'salesforce'] as const).map((side) => mappingsOf(shape, object, side))));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return error.message;
    throw error;
  }
}

/**
 * `due (crm, pers)`: the linked pairs that may differ although the plan of run `since` was applied: those that it did not link, those of which either side has changed since, those with an intent
 * that was rejected or deferred, which is tried again every night, and those in which the org made something else of a value (R25). Returns how many.
 */
export async function collectDue(tx: PoolClient, ctx: PlanContext, object: ObjectType, since: number): Promise<number> {
  const now = identifier(partitionName('crm_outcome', ctx.runNo, object));
  const before = identifier(partitionName('crm_outcome', since, object));
  const persons = identifier(`pers_record_${objectFacts[object].personKind}`);
  const records = identifier(`crm_record_${object}`);
  // Of the same inputs the same pairs are linked.
  const same = await tx.query(sql`
    select from match_count n join match_count b on b.run_no = ${since} and b.object = n.object and b.inputs = n.inputs
     where n.run_no = ${ctx.runNo} and n.object = ${object}`);
  const linkedSince = raw(
    same.rowCount === 0
      ? `select o.rec as crm, o.pers from ${now.fragment} o
     where o.outcome = 'linked' and not exists (select from ${before.fragment} b where b.rec = o.rec and b.pers = o.pers and b.outcome = 'linked')
    union`
      : '',
  );
  const due = await withHashJoins(tx, () =>
    tx.query(sql`
    create temp table due (crm, pers) on commit drop as
    ${linkedSince}
    select o.rec, o.pers from ${records} c join ${now} o on o.rec = c.rec where c.changed_run > ${since} and o.outcome = 'linked'
    union
    select o.rec, o.pers from ${persons} p join ${now} o on o.pers = p.rec where p.changed_run > ${since} and o.outcome = 'linked'
    union
    select o.rec, o.pers from ${identifier(`intent_set_r${since}`)} i join ${now} o on o.rec = i.crm and o.pers = i.pers
     where i.object = ${object} and (i.outcome in ('rejected', 'deferred') or i.outcome is null or i.reason = 'changedByOrg') and o.outcome = 'linked'
    union
    select o.rec, o.pers from written w join ${records} c on c.crm_id = w.rec_id join ${now} o on o.rec = c.rec
     where w.side = 'salesforce' and w.seen_known and w.sent is distinct from w.seen and o.outcome = 'linked'
    union
    select o.rec, o.pers from written w join ${records} c on c.account_id = w.rec_id and c.person_account join ${now} o on o.rec = c.rec
     where w.side = 'salesforce' and w.object = 'Account' and w.seen_known and w.sent is distinct from w.seen and o.outcome = 'linked'`),
  );
  await tx.query('analyze due');
  return due.rowCount ?? 0;
}
