import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { runTables } from '../mirror/match/context.ts';
import type { MatchContext } from '../mirror/match/context.ts';
import type { Queryable } from '../postgres/database.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';

/**
 * A run whose links were real already may make them real once more: leads that are switched on after contacts were linked can change what contacts are linked
 * to (R16, R19). Its matches then go by the links as they were when it began, and what it changed is taken back first. What was written stays.
 */

/** Whether the run has made links real. */
export async function hasCommitted(tx: Queryable, { run }: Pick<MatchContext, 'run'>): Promise<boolean> {
  const found = await tx.query(sql`select from run where run = ${run} and links_committed_at is not null`);
  return found.rowCount !== 0;
}

/** Conditions on `link l`: what was open, and what was a tombstone (R21), when the run began. */
export interface LinksAtStart {
  readonly open: ReturnType<typeof raw>;
  readonly tombstone: ReturnType<typeof raw>;
}

export async function linksAtStart(tx: Queryable, ctx: Pick<MatchContext, 'run' | 'runNo'>): Promise<LinksAtStart> {
  if (!(await hasCommitted(tx, ctx))) return { open: raw('l.ended_run is null'), tombstone: raw(`l.ended_reason = 'deleted'`) };
  const run = `(select run from run where run_no = ${ctx.runNo})`;
  const before = `l.entered_run is distinct from ${run}`;
  return {
    open: raw(`((l.ended_run is null or l.ended_run = ${run}) and ${before})`),
    tombstone: raw(`((l.ended_reason = 'deleted' or l.forgotten_run = ${run}) and l.ended_run <> ${run} and ${before})`),
  };
}

/** Ends what the run linked, and takes back what it ended. */
export async function takeLinksBack(tx: PoolClient, { run }: MatchContext, object: ObjectType): Promise<void> {
  await tx.query(sql`
    update link set ended_run = ${run}, ended_at = now(), ended_reason = 'replaced'
     where object = ${object} and entered_run = ${run} and ended_run is null`);
  await tx.query(sql`
    update link set ended_run = null, ended_at = null, ended_reason = null, forgotten_run = null
     where object = ${object} and ended_run = ${run} and entered_run is distinct from ${run} and pers_id is not null`);
  await tx.query(sql`
    update link set ended_reason = 'deleted', forgotten_run = null
     where object = ${object} and forgotten_run = ${run} and ended_run is not null and pers_id is not null`);
}

/** Of what was taken back, the links that are the same as before go on in their rows. */
export async function takeUpLinks(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  const t = runTables(ctx, object);
  await tx.query(sql`
    with same as (
      select max(l.link_no) as link_no
        from ${t.crmOutcome} o
        join ${t.crmRecord} r on r.rec = o.rec
        join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.rec = o.pers
        join link l on l.object = ${object} and l.crm_id = r.crm_id and l.pers_id = p.pers_id and l.entered_run = ${ctx.run} and l.ended_run = ${ctx.run}
         and (l.sub_tier, l.crm_field, l.attribute) is not distinct from (o.sub_tier, o.crm_field, o.attribute)
       where o.outcome = 'linked'
         and not exists (select from link n where n.object = ${object} and n.crm_id = r.crm_id and n.pers_id = p.pers_id and n.ended_run is null)
       group by o.rec)
    update link l set ended_run = null, ended_at = null, ended_reason = null from same s where s.link_no = l.link_no`);
}
