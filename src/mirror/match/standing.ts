import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import type { Queryable } from '../../postgres/database.ts';
import { identifier, sql } from '../../postgres/sql.ts';
import { isComplete } from '../reads.ts';
import { forgetMatch } from './begin.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';

/** R27: an object is matched only if both its sides were read completely, and leads only if contacts were matched in the same run. */
export async function isToBeMatched(tx: Queryable, ctx: MatchContext, object: ObjectType): Promise<boolean> {
  return (await isComplete(tx, ctx.runNo, object)) && (object !== 'lead' || (await wasMatched(tx, ctx, 'contact')));
}

/** Whether the match of an object came to its end in this run, over a complete read. */
export async function wasMatched(tx: Queryable, ctx: MatchContext, object: ObjectType): Promise<boolean> {
  const found = await tx.query(sql`select from match_count where run_no = ${ctx.runNo} and object = ${object} and complete and counts is not null`);
  return found.rowCount !== 0;
}

/**
 * R27, in place of a match: links stand, none is made, handed over or ended; who has none was not reconsidered. A lead whose user is linked to a contact or stopped in the contact match is
 * `suppressed` all the same (R17).
 */
export async function letLinksStand(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<{ readonly settled: number }> {
  const t = runTables(ctx, object);
  await forgetMatch(tx, ctx, object);
  await tx.query(sql`update match_count set complete = false where run_no = ${ctx.runNo} and object = ${object}`);
  await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, reason)
    select ${ctx.runNo}::bigint, ${object}, rec, 'ineligible', ineligible from ${t.crmRecord} where ineligible is not null`);
  if (object === 'lead')
    await tx.query(sql`
      insert into ${t.persOutcome} (run_no, object, rec, outcome)
      select run_no, 'lead', rec, 'held' from ${runTables(ctx, 'contact').persOutcome} where outcome in ('linked', 'stopped')`);
  await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier, pers, crm_field, attribute, reason, link_no, candidate_count, candidates)
    select ${ctx.runNo}::bigint, ${object}, r.rec, case when held then 'suppressed' else 'linked' end, case when held then 'link' else l.sub_tier end,
      case when not held then p.rec end, case when not held then l.crm_field end, case when not held then l.attribute end, case when not held then 'kept' end,
      case when not held then l.link_no end, case when held then 1 else 0 end, case when held then array[p.rec] end
      from link l
      join ${t.crmRecord} r on r.crm_id = l.crm_id and r.ineligible is null
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = l.pers_id
      cross join lateral (select exists (select from ${t.persOutcome} o where o.rec = p.rec) as held) h
     where l.object = ${object} and l.ended_run is null
       and not exists (select from block_now(${ctx.decisionSeq}) b where b.object = ${object} and b.crm_id = l.crm_id and b.pers_id = l.pers_id)`);
  await tx.query(sql`
    insert into ${t.persOutcome} (run_no, object, rec, outcome) select run_no, object, pers, 'linked' from ${t.crmOutcome} where outcome = 'linked'`);
  const settled = await tx.query<{ settled: number }>(sql`select count(*) as settled from ${t.crmOutcome}`);
  await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, reason)
    select ${ctx.runNo}::bigint, ${object}, rec, 'unmatched', 'notReconsidered' from ${t.crmRecord} r
     where not exists (select from ${t.crmOutcome} o where o.rec = r.rec)`);
  return { settled: settled.rows[0]?.settled ?? 0 };
}
