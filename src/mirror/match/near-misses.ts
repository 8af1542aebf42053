import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { withParallelQuery } from '../parallel-query.ts';
import { begunPlan } from './begun.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';

/**
 * R6: how many unmatched records would have a candidate among the unmatched persons in one of the sub-tiers `field`, `email`, `name`, if case and all white
 * space were ignored. Ids make none, nor do blocked pairs. Stands after all outcomes: who has none on the persons' side is unmatched.
 */
export async function countNearMisses(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<number> {
  const t = runTables(ctx, object);
  const fields = (await begunPlan(tx, ctx, object)).fields.filter(({ compared }) => compared.as === 'text');
  if (fields.length === 0) return 0;
  const inFields = raw(`k.field in (${fields.map(({ number }) => number).join(', ')})`);
  await withParallelQuery(tx, async () => {
    await tx.query(sql`
      create temp table near_pers on commit drop as
      select k.field, near_key(k.value) as value, k.rec from ${t.persKey} k
       where ${inFields} and not exists (select from ${t.persOutcome} o where o.rec = k.rec)`);
    await tx.query(sql`
      create temp table near_crm on commit drop as
      select k.field, near_key(k.value) as value, k.rec from ${t.crmKey} k join ${t.crmOutcome} o on o.rec = k.rec
       where ${inFields} and o.outcome = 'unmatched'`);
  });
  await tx.query(sql`
    create temp table near_blocked on commit drop as
    select r.rec as crm, p.rec as pers from block_now(${ctx.decisionSeq}) b
      join ${t.crmRecord} r on r.crm_id = b.crm_id
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = b.pers_id where b.object = ${object}`);
  for (const table of ['near_pers', 'near_crm', 'near_blocked']) await tx.query(sql`analyze ${raw(table)}`);
  // The few records with a blocked pair are looked at pair by pair.
  const found = await tx.query<{ near: number }>(sql`
    select (select count(distinct c.rec) from near_crm c
             where not exists (select from near_blocked b where b.crm = c.rec)
               and exists (select from near_pers p where p.field = c.field and p.value = c.value))
         + (select count(distinct c.rec) from near_crm c join near_pers p on p.field = c.field and p.value = c.value
             where exists (select from near_blocked b where b.crm = c.rec)
               and not exists (select from near_blocked b where b.crm = c.rec and b.pers = p.rec)) as near`);
  await tx.query(sql`drop table near_pers, near_crm, near_blocked`);
  return found.rows[0]?.near ?? 0;
}
