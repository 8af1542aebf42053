import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { runTables } from '../mirror/match/context.ts';
import type { MatchContext } from '../mirror/match/context.ts';
import { convertedSql, mergedSql } from '../mirror/match/aliases.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';
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
  await lockDecisions(tx);
  const matched = await tx.query<{ object: ObjectType; leads: boolean }>(sql`
    select object, leads from match_count where run_no = ${ctx.runNo} and counts is not null order by object`);
  const objects = matched.rows.map(({ object }) => object);
  const contactsKnewLeads = matched.rows.some(({ object, leads }) => object === 'contact' && leads);
  for (const object of objects) {
    await endLinks(tx, ctx, object, { contacts: objects.includes('contact'), contactsKnewLeads });
    await becomePins(tx, ctx, object);
  }
  let kept = 0;
  for (const object of objects) {
    await makeLinks(tx, ctx, object);
    await forgetTombstones(tx, ctx, object);
    const found = await tx.query<{ kept: number }>(sql`
      select count(*) as kept from ${runTables(ctx, object).crmOutcome} where outcome = 'linked' and link_no is not null`);
    kept += found.rows[0]?.kept ?? 0;
  }
  await tx.query(sql`analyze link`);
  const counts = await tx.query<{ made: number; ended: number }>(sql`
    select (select count(*) from link where made_run = ${ctx.run} and ended_run is null and object = any(${objects})) as made,
           (select count(*) from link where ended_run = ${ctx.run} and object = any(${objects})) as ended`);
  return { made: counts.rows[0]?.made ?? 0, kept, ended: counts.rows[0]?.ended ?? 0 };
}

/** Ends the links that hold no longer: of records that are gone or linked otherwise, of persons that are, of pairs that somebody parted. */
async function endLinks(
  tx: PoolClient,
  ctx: MatchContext,
  object: ObjectType,
  matched: { readonly contacts: boolean; readonly contactsKnewLeads: boolean },
): Promise<void> {
  const t = runTables(ctx, object);
  const contact = runTables(ctx, 'contact');
  const withContacts = object === 'lead' && matched.contacts;
  // `heir`: what became of the record that the link's record ended in.
  await tx.query(sql`
    create temp table heir on commit drop as
    with recursive ${raw(mergedSql(withContacts ? ['contact', 'lead'] : [object]))} ${raw(withContacts ? `, ${convertedSql}` : '')}
    select m.crm_id, true as merged, n.outcome, n.sub_tier, n.candidates
      from merged m join ${t.crmRecord} h on h.crm_id = m.master_id join ${t.crmOutcome} n on n.rec = h.rec where m.object = ${object}
    ${raw(
      withContacts
        ? `union all select v.lead_id, false, n.outcome, n.sub_tier, n.candidates
             from converted v join ${contact.crmRecord.fragment} h on h.crm_id = v.contact_id join ${contact.crmOutcome.fragment} n on n.rec = h.rec`
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
  const toContact = raw(
    withContacts ? `exists (select from ${contact.persOutcome.fragment} c where c.rec = p.rec and c.outcome = 'linked')` : 'false',
  );
  await tx.query(sql`
    with judged as (
      select l.link_no,
        case
          when o.outcome = 'linked' and o.pers = p.rec then null
          when p.rec is null then 'personGone'
          when h.merged and h.outcome <> 'ineligible' then 'merged'
          when r.rec is null or r.ineligible = 'deleted' then 'deleted'
          -- Contacts that were matched before leads were switched on take the link over in the next run.
          when r.ineligible = 'converted' and (${matched.contactsKnewLeads} or x.rec is not null) then 'converted'
          when r.ineligible = 'converted' then null
          when r.ineligible is not null then 'ineligible'
          when b.kind = 'unlink' then 'unlinked'
          when b.kind = 'block' then 'blocked'
          when ${toContact} then 'movedToContact'
          when o.outcome = 'linked' and o.sub_tier = 'pin' or x.sub_tier = 'pin' then 'pinnedElsewhere'
          when o.outcome = 'linked' or x.rec is not null then 'replaced'
        end as reason,
        -- Rests with the link of the master, or of the contact that the lead became (R20).
        coalesce(h.sub_tier = 'link' and h.outcome = 'ambiguous' and p.rec = any(h.candidates), false) as rests
        from loose l
        left join heir h on h.crm_id = l.crm_id
        left join ${t.crmRecord} r on r.crm_id = l.crm_id
        left join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = l.pers_id
        left join ${t.crmOutcome} o on o.rec = r.rec
        left join ${t.crmOutcome} x on x.pers = p.rec
        left join block_now(${ctx.decisionSeq}) b on b.object = ${object} and b.crm_id = l.crm_id and b.pers_id = l.pers_id)
    update link l set ended_run = ${ctx.run}, ended_at = now(), ended_reason = j.reason
      from judged j where j.link_no = l.link_no and j.reason is not null and not j.rests`);
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
    insert into link (object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at)
    select ${object}, r.crm_id, p.pers_id, o.sub_tier, o.crm_field, o.attribute, coalesce(l.made_run, ${ctx.run}), coalesce(l.made_at, now())
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

/** R21: a link comes back only in the night in which its record does; a tombstone of a record that is there is one no longer. */
async function forgetTombstones(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  await tx.query(sql`
    update link l set ended_reason = 'replaced'
      from ${runTables(ctx, object).crmRecord} r
     where l.object = ${object} and l.ended_reason = 'deleted' and r.crm_id = l.crm_id and r.ineligible is null`);
}
