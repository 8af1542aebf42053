import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { runTables } from '../mirror/match/context.ts';
import type { MatchContext } from '../mirror/match/context.ts';
import { convertedSql, mergedSql } from '../mirror/match/aliases.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';
import { hasCommitted, takeLinksBack, takeUpLinks } from './links-again.ts';
import { lockDecisions } from './decisions.ts';

/** Why a link ended. Ended links stay as history; one that ended as `deleted` is a tombstone (R21). */
export const endedReasons = [
  'deleted',
  'merged',
  'converted',
  'ineligible',
  'personGone',
  'blocked',
  'unlinked',
  'movedToContact',
  'pinnedElsewhere',
  'replaced',
  'reset',
] as const;
export type EndedReason = (typeof endedReasons)[number];

export interface CommittedLinks {
  /** Links of pairs that this run linked. */
  readonly made: number;
  /** Links from earlier nights that go on, those handed over to another record included. */
  readonly kept: number;
  /** Links that this run ended, the old ends of those handed over included. */
  readonly ended: number;
}

/**
 * Makes the run's matches real, of every object whose match has ended: links that hold no longer end, links of new pairs are made. Links that rest (R17, R20) and
 * those of objects that were not matched stay as they are. Pairs that somebody blocked since the match began get none. A repeat changes nothing and returns the same counts.
 */
export async function commitLinks(tx: PoolClient, ctx: MatchContext): Promise<CommittedLinks> {
  const { objects, due, again } = await endLooseLinks(tx, ctx);
  for (const object of due) {
    if (again) await takeUpLinks(tx, ctx, object);
    await makeLinks(tx, ctx, object);
    await forgetTombstones(tx, ctx, object);
  }
  await tx.query(sql`update match_count set committed = true where run_no = ${ctx.runNo} and object = any(${objects})`);
  let kept = 0;
  for (const object of objects) {
    const found = await tx.query<{ kept: number }>(sql`
      select count(*) as kept from ${runTables(ctx, object).crmOutcome} where outcome = 'linked' and link_no is not null`);
    kept += found.rows[0]?.kept ?? 0;
  }
  const counts = await tx.query<{ made: number; ended: number }>(sql`
    select (select count(*) from link where made_run = ${ctx.run} and ended_run is null and object = any(${objects})) as made,
           (select count(*) from link where ended_run = ${ctx.run} and object = any(${objects})) as ended`);
  const { made, ended } = counts.rows[0] ?? { made: 0, ended: 0 };
  // Most nights change few links, and no plan for it.
  if (made + ended > kept / 10) await tx.query(sql`analyze link`);
  return { made, kept, ended };
}

/**
 * Condition on `match_count m`: an earlier run made a match of the same inputs real. The links are among these, and what that run changed in them stays changed: it changed none, and this one would
 * change none.
 */
export const changesNoLink = raw(
  'exists (select from match_count e where e.object = m.object and e.inputs = m.inputs and e.run_no < m.run_no and e.committed)',
);

interface Matched {
  readonly objects: readonly ObjectType[];
  /** Those whose matches are not real yet, and may change links. */
  readonly due: readonly ObjectType[];
  /** An earlier pass of the run has made links real. */
  readonly again: boolean;
}

/** The first half of it: the links that hold no longer end. */
export async function endLooseLinks(tx: PoolClient, ctx: MatchContext): Promise<Matched> {
  await lockDecisions(tx);
  const matched = await tx.query<{ object: ObjectType; due: boolean }>(sql`
    select object, not committed and not ${changesNoLink} as due
      from match_count m where run_no = ${ctx.runNo} and complete and counts is not null order by object`);
  const objects = matched.rows.map(({ object }) => object);
  const due = matched.rows.flatMap((row) => (row.due ? [row.object] : []));
  const again = await hasCommitted(tx, ctx);
  for (const object of due) {
    if (again) await takeLinksBack(tx, ctx, object);
    await endLinks(tx, ctx, object, objects.includes('contact'));
    await becomePins(tx, ctx, object);
  }
  return { objects, due, again };
}

/**
 * Ends the links that hold no longer: of records that are gone or linked otherwise, of persons that are, of pairs that somebody parted. Those of records whose master, or contact, is
 * deleted as well are tombstones, for when that comes back.
 */
async function endLinks(tx: PoolClient, ctx: MatchContext, object: ObjectType, withContacts: boolean): Promise<void> {
  const t = runTables(ctx, object);
  const contact = runTables(ctx, 'contact');
  const toContacts = object === 'lead' && withContacts;
  // `heir`: what became of the record that the link's record ended in; no outcome if nobody knows that record.
  await tx.query(sql`
    create temp table heir on commit drop as
    with recursive ${raw(mergedSql(toContacts ? ['contact', 'lead'] : [object]))} ${raw(toContacts ? `, ${convertedSql}` : '')},
    ended_in as (
      select m.crm_id, m.master_id from merged m where m.object = ${object}
      union all
      select l.crm_id, coalesce(m.master_id, l.heir_id) from link l left join merged m on m.object = ${object} and m.crm_id = l.heir_id
       where l.object = ${object} and l.ended_run is null and l.heir_id is not null and not exists (select from ${t.crmRecord} r where r.crm_id = l.crm_id))
    select e.crm_id, true as merged, e.master_id as heir_id, n.outcome, n.sub_tier, n.candidates
      from ended_in e left join ${t.crmRecord} h on h.crm_id = e.master_id left join ${t.crmOutcome} n on n.rec = h.rec
     where ${raw(toContacts ? 'not exists (select from converted v where v.lead_id = e.crm_id)' : 'true')}
    ${raw(
      toContacts
        ? `union all select v.lead_id, false, v.contact_id, n.outcome, n.sub_tier, n.candidates
             from converted v left join ${contact.crmRecord.fragment} h on h.crm_id = v.contact_id left join ${contact.crmOutcome.fragment} n on n.rec = h.rec`
        : '',
    )}`);
  await tx.query(sql`
    create temp table loose on commit drop as
    select l.link_no, l.crm_id, l.pers_id from link l
     where l.object = ${object} and l.ended_run is null and not exists (select from ${t.crmOutcome} o where o.link_no = l.link_no)
    union
    select l.link_no, l.crm_id, l.pers_id from heir h join link l on l.object = ${object} and l.crm_id = h.crm_id and l.ended_run is null`);
  await tx.query(sql`analyze heir`);
  await tx.query(sql`analyze loose`);
  const movedToContact = raw(
    toContacts ? `exists (select from ${contact.persOutcome.fragment} c where c.rec = p.rec and c.outcome = 'linked')` : 'false',
  );
  await tx.query(sql`
    with judged as (
      select l.link_no, h.heir_id,
        case
          when o.outcome = 'linked' and o.pers = p.rec then null
          when p.rec is null then 'personGone'
          when h.outcome <> 'ineligible' and h.merged then 'merged'
          when h.outcome <> 'ineligible' then 'converted'
          when h.crm_id is not null or r.rec is null or r.ineligible = 'deleted' then 'deleted'
          when r.ineligible = 'converted' then 'converted'
          when r.ineligible is not null then 'ineligible'
          when b.kind = 'unlink' then 'unlinked'
          when b.kind = 'block' then 'blocked'
          when ${movedToContact} then 'movedToContact'
          when o.outcome = 'linked' and o.sub_tier = 'pin' or x.sub_tier = 'pin' then 'pinnedElsewhere'
          when o.outcome = 'linked' or x.rec is not null then 'replaced'
        end as reason,
        -- Rests with what rests of the master, or of the contact that the lead became (R17, R20).
        coalesce(h.sub_tier in ('link', 'pin') and h.outcome in ('ambiguous', 'suppressed') and p.rec = any(h.candidates) and b.kind is null, false) as rests
        from loose l
        left join heir h on h.crm_id = l.crm_id
        left join ${t.crmRecord} r on r.crm_id = l.crm_id
        left join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = l.pers_id
        left join ${t.crmOutcome} o on o.rec = r.rec
        left join ${t.crmOutcome} x on x.pers = p.rec
        left join block_now(${ctx.decisionSeq}) b on b.object = ${object} and b.crm_id = l.crm_id and b.pers_id = l.pers_id)
    update link l set
        ended_run = case when not j.rests then ${ctx.run} end, ended_at = case when not j.rests then now() end, ended_reason = case when not j.rests then j.reason end,
        heir_id = case when r.rec is null or r.ineligible = 'deleted' then coalesce(j.heir_id, l.heir_id) end
      from judged j join link k on k.link_no = j.link_no left join ${t.crmRecord} r on r.crm_id = k.crm_id
     where j.link_no = l.link_no and j.reason is not null`);
  await tx.query(sql`
    update link l set heir_id = null from ${t.crmRecord} r
     where l.object = ${object} and l.heir_id is not null and l.ended_run is null and r.crm_id = l.crm_id and r.ineligible is null`);
  await tx.query(sql`drop table heir, loose`);
}

/** A link that somebody pinned is a pin from then on: no drift is told of it any more. */
async function becomePins(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  await tx.query(sql`
    update link l set sub_tier = 'pin', crm_field = null, attribute = null
      from ${runTables(ctx, object).crmOutcome} o
     where o.link_no = l.link_no and o.outcome = 'linked' and o.sub_tier = 'pin' and l.sub_tier <> 'pin' and l.ended_run is null`);
}

/** A link that is handed over to another record, or comes back, keeps the run that made it: its old row has ended. */
async function makeLinks(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  const t = runTables(ctx, object);
  await tx.query(sql`
    insert into link (object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, entered_run)
    select ${object}, r.crm_id, p.pers_id, o.sub_tier, o.crm_field, o.attribute, coalesce(l.made_run, ${ctx.run}), coalesce(l.made_at, now()), ${ctx.run}
      from ${t.crmOutcome} o
      join ${t.crmRecord} r on r.rec = o.rec
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.rec = o.pers
      left join link l on l.link_no = o.link_no
     where o.outcome = 'linked' and (o.link_no is null or l.ended_run is not null)
       and not exists (select from link n where n.object = ${object} and n.crm_id = r.crm_id and n.pers_id = p.pers_id and n.ended_run is null)
       -- R13: blocked or unlinked after the run's match had looked.
       and not exists (select from block_now(9223372036854775807) b where b.object = ${object} and b.crm_id = r.crm_id and b.pers_id = p.pers_id)
     order by r.crm_id`);
}

/**
 * R21: a link comes back only in the night in which its record does, or the one that it was merged into or became; a tombstone of a record that is there is one no
 * longer.
 */
async function forgetTombstones(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  const left = await tx.query(
    sql`select from link where object in (${object}, ${object === 'contact' ? 'lead' : object}) and ended_reason = 'deleted' limit 1`,
  );
  if (left.rowCount === 0) return;
  const records = runTables(ctx, object).crmRecord;
  const withLeads = object === 'contact' && ctx.leads;
  await tx.query(sql`
    with recursive ${raw(mergedSql(withLeads ? ['contact', 'lead'] : [object]))} ${raw(withLeads ? `, ${convertedSql}` : '')},
    came_back as (
      select l.link_no from link l
        left join merged m on m.object = ${object} and m.crm_id = l.crm_id
        left join merged n on n.object = ${object} and n.crm_id = l.heir_id
        join ${records} r on r.crm_id in (l.crm_id, m.master_id, n.master_id, l.heir_id) and r.ineligible is null
       where l.object = ${object} and l.ended_reason = 'deleted'
      ${raw(
        withLeads
          ? `union all select l.link_no from link l join converted c on c.lead_id = l.crm_id join ${records.fragment} r on r.crm_id = c.contact_id and r.ineligible is null
              where l.object = 'lead' and l.ended_reason = 'deleted'`
          : '',
      )})
    update link l set ended_reason = 'replaced', forgotten_run = ${ctx.run} from came_back c where c.link_no = l.link_no`);
}
