import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { linksAtStart } from '../../ledger/links-again.ts';
import { convertedSql, mergedSql, refreshAliases } from './aliases.ts';
import { partitionName, runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import { matchPlan } from './match-plan.ts';

export interface BegunMatch {
  /** Into how many parts each sub-tier's candidates are cut: a power of two. */
  readonly parts: number;
  readonly [name: string]: number;
}

/** A part joins at most this many keys of one side; more parts cost more than they save, since each reads all keys of its sub-tier. */
const keysInAPart = 500_000;
const mostParts = 16;

/**
 * Begins the match of one object: settles the ineligible (R26), marks who is held (leads, R17), then what needs no values: pins (R13) and the links of
 * earlier nights (R14), of merged and converted records as well (R19 to R21). What an earlier attempt of the run left is forgotten.
 */
export async function beginMatch(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<BegunMatch> {
  const t = runTables(ctx, object);
  await forgetMatch(tx, ctx, object);
  await refreshAliases(tx, object, ctx.leads);
  await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, reason)
    select ${ctx.runNo}::bigint, ${object}, rec, 'ineligible', ineligible from ${t.crmRecord} where ineligible is not null`);
  if (object === 'lead')
    await tx.query(sql`
      insert into ${t.persOutcome} (run_no, object, rec, outcome)
      select run_no, 'lead', rec, 'held' from ${runTables(ctx, 'contact').persOutcome} where outcome in ('linked', 'stopped')`);
  const pinned = await settlePins(tx, ctx, object);
  await tx.query(sql`analyze ${t.crmOutcome}`);
  await tx.query(sql`analyze ${t.persOutcome}`);
  const kept = await settleLinks(tx, ctx, object);
  await tx.query(sql`analyze ${t.crmOutcome}`);
  await tx.query(sql`analyze ${t.persOutcome}`);
  return { parts: await partsFor(tx, ctx, object), pinned, kept };
}

/** Forgets what a run found of one object, as if its match had not begun. */
export async function forgetMatch(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  const t = runTables(ctx, object);
  await tx.query(sql`truncate ${t.candidate}, ${t.hot}, ${t.crmOutcome}, ${t.persOutcome}`);
  for (const table of ['crm_outcome', 'pers_outcome'] as const) {
    const name = partitionName(table, ctx.runNo, object);
    await tx.query(sql`alter table ${identifier(name)} drop constraint if exists ${identifier(`${name}_once`)}`);
  }
  await tx.query(sql`drop index if exists ${identifier(`${partitionName('crm_outcome', ctx.runNo, object)}_person`)}`);
  await tx.query(sql`
    insert into match_count (run_no, object, leads) values (${ctx.runNo}, ${object}, ${ctx.leads})
    on conflict (run_no, object) do update set leads = excluded.leads, complete = true, counts = null, inputs = null, committed = false`);
}

/** R13: a pin of an eligible record and a person that is there goes before everything but a contact's claim on the person (R17). */
async function settlePins(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<number> {
  const t = runTables(ctx, object);
  const persRecord = identifier(`pers_record_${objectFacts[object].personKind}`);
  const atStart = await linksAtStart(tx, ctx);
  await tx.query(sql`
    create temp table pinned on commit drop as
    select r.rec as crm, p.rec as pers, h.rec is not null as held, l.link_no
      from pin_now(${ctx.decisionSeq}) d
      join ${t.crmRecord} r on r.crm_id = d.crm_id and r.ineligible is null
      join ${persRecord} p on p.pers_id = d.pers_id
      left join ${t.persOutcome} h on h.rec = p.rec
      left join link l on l.object = d.object and l.crm_id = d.crm_id and l.pers_id = d.pers_id and ${atStart.open}
     where d.object = ${object}`);
  const done = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier, pers, reason, link_no, candidate_count, candidates)
    select ${ctx.runNo}::bigint, ${object}, crm, case when held then 'suppressed' else 'linked' end, 'pin', case when not held then pers end,
      case when not held and link_no is not null then 'kept' end, case when not held then link_no end,
      case when held then 1 else 0 end, case when held then array[pers] end
      from pinned`);
  await tx.query(sql`
    insert into ${t.persOutcome} (run_no, object, rec, outcome) select ${ctx.runNo}::bigint, ${object}, pers, 'linked' from pinned where not held`);
  await tx.query(sql`drop table pinned`);
  return done.rowCount ?? 0;
}

/**
 * R14: links of earlier nights, for as long as both are there and nobody blocked the pair. A link of a merged record is its master's, of a converted lead
 * its contact's; that of a record which came back from the recycle bin comes back if both are free. A record with links to several persons is
 * stopped, and they rest (R20). A lead's link whose user is linked to a contact is over; if he is only stopped, it rests (R17).
 */
async function settleLinks(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<number> {
  const t = runTables(ctx, object);
  await collectStanding(tx, ctx, object);
  const row = raw(`${ctx.runNo}::bigint, '${object}'`);
  await tx.query(sql`
    create temp table several on commit drop as select crm from standing where not held group by crm having count(*) > 1`);
  const kept = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier, pers, crm_field, attribute, reason, link_no)
    select ${row}, crm, 'linked', sub_tier, pers, crm_field, attribute, reason, link_no
      from standing s where not held and not exists (select from several v where v.crm = s.crm)`);
  await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier, candidate_count, candidates)
    select ${row}, crm, case when bool_and(held) then 'suppressed' else 'ambiguous' end, 'link', count(*), (array_agg(pers order by pers_id))[1:50]
      from standing s
     where (held and not exists (select from standing f where f.crm = s.crm and not f.held))
        or (not held and exists (select from several v where v.crm = s.crm))
     group by crm`);
  await tx.query(sql`
    insert into ${t.persOutcome} (run_no, object, rec, outcome)
    select ${row}, pers, case when exists (select from several v where v.crm = s.crm) then 'stopped' else 'linked' end from standing s where not held`);
  await tx.query(sql`drop table standing, several`);
  return kept.rowCount ?? 0;
}

/**
 * `standing`: the links that hold this night, a person at most once, neither side settled by a pin. `held`: the person is stopped in the contact match. Made of
 * all open links, nearly all of which stand, and then thinned out: no estimate of how many stay can go wrong.
 */
async function collectStanding(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<void> {
  const t = runTables(ctx, object);
  const withLeads = object === 'contact' && ctx.leads;
  const atStart = await linksAtStart(tx, ctx);
  // The record that a link is of tonight: the master of a merged one, also of one that the recycle bin no longer holds.
  const recordNow = raw(
    `coalesce(m.master_id, case when l.heir_id is not null and not exists (select from ${t.crmRecord.fragment} own where own.crm_id = l.crm_id)
      then coalesce((select h.master_id from merged h where h.object = l.object and h.crm_id = l.heir_id), l.heir_id) end, l.crm_id)`,
  );
  const own = raw('l.object, l.crm_id, l.pers_id, l.sub_tier, l.crm_field, l.attribute');
  const merged = raw(mergedSql(withLeads ? ['contact', 'lead'] : [object]));
  const recursive = withLeads ? raw(`${merged.fragment}, ${convertedSql}`) : merged;
  const ofLeads = (rank: number, condition: typeof own): typeof own =>
    raw(
      withLeads
        ? `union all select l.link_no, ${rank}, c.contact_id, ${own.fragment}, 'converted' from converted c join link l on l.object = 'lead' and l.crm_id = c.lead_id and ${condition.fragment}`
        : '',
    );
  await tx.query(sql`
    create temp table claim (link_no bigint, rank integer, crm_id text collate "C", made_object text, made_for text collate "C",
      pers_id text collate "C", sub_tier text, crm_field text, attribute text, reason text) on commit drop`);
  await tx.query(sql`
    with recursive ${recursive}
    insert into claim
    select l.link_no, 1, ${recordNow}, ${own}, 'kept'
      from link l left join merged m on m.object = l.object and m.crm_id = l.crm_id
     where l.object = ${object} and ${atStart.open}
    ${ofLeads(2, atStart.open)}`);
  // Tombstones: links that ended because their record, or the one that it was merged into or became, was deleted (R21).
  const tombstones = await tx.query(sql`
    with recursive ${recursive}
    insert into claim
    select l.link_no, 3, ${recordNow}, ${own}, 'kept'
      from link l left join merged m on m.object = l.object and m.crm_id = l.crm_id
     where l.object = ${object} and ${atStart.tombstone}
    ${ofLeads(3, atStart.tombstone)}`);
  await tx.query(sql`analyze claim`);
  await tx.query(sql`
    create temp table standing on commit drop as
    select c.link_no, c.rank, c.crm_id, c.made_object, c.made_for, r.rec as crm, p.rec as pers, p.pers_id, c.sub_tier, c.crm_field, c.attribute, c.reason,
      s.outcome as became, s.rec is not null as held
      from claim c
      join ${t.crmRecord} r on r.crm_id = c.crm_id and r.ineligible is null
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = c.pers_id
      left join ${t.persOutcome} s on s.rec = p.rec`);
  await tx.query(sql`analyze standing`);
  await tx.query(sql`
    delete from standing s using (select object, crm_id, pers_id from block_now(${ctx.decisionSeq})) b
     where b.pers_id = s.pers_id and ((b.object = ${object} and b.crm_id = s.crm_id) or (b.object = s.made_object and b.crm_id = s.made_for))`);
  await tx.query(sql`delete from standing where became = 'linked' or (became is not null and rank = 3)`);
  await tx.query(sql`delete from standing s using ${t.crmOutcome} o where o.rec = s.crm`);
  if (object === 'lead')
    await tx.query(sql`delete from standing s using ${runTables(ctx, 'contact').persOutcome} o where o.rec = s.pers and o.outcome = 'linked'`);
  // A person's own link goes before one that a converted lead brings, and both before a tombstone.
  if (withLeads) await tx.query(sql`delete from standing s using standing f where s.rank = 2 and f.rank = 1 and f.pers = s.pers`);
  if (tombstones.rowCount !== 0) await bringBackTheFree(tx);
  await tx.query(sql`drop table claim`);
}

/** R21: of the tombstones in `standing` those stay whose record and person are both free; where several claim one, the newest. */
async function bringBackTheFree(tx: PoolClient): Promise<void> {
  await tx.query(sql`delete from standing s using standing f where s.rank = 3 and f.rank < 3 and f.pers = s.pers`);
  await tx.query(sql`delete from standing s using standing f where s.rank = 3 and f.rank < 3 and f.crm = s.crm`);
  await tx.query(sql`
    create temp table rival on commit drop as
    select s.link_no, f.link_no as newer from standing s join standing f on f.pers = s.pers where s.rank = 3 and f.rank = 3 and f.link_no > s.link_no
    union
    select s.link_no, f.link_no from standing s join standing f on f.crm = s.crm where s.rank = 3 and f.rank = 3 and f.link_no > s.link_no`);
  for (;;) {
    const settled = await tx.query(sql`
      with gone as (
        delete from standing s using rival r
         where s.link_no = r.link_no and not exists (select from rival n where n.link_no = r.newer) returning s.link_no)
      delete from rival r using gone g where g.link_no in (r.link_no, r.newer)`);
    if (settled.rowCount === 0) break;
  }
  await tx.query(sql`drop table rival`);
}

/**
 * The smallest power of two with at most 500,000 keys of either side in each part of the largest sub-tier; by the statistics, which are renewed whenever keys are: counting them all took as long as
 * joining them.
 */
async function partsFor(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<number> {
  const { subTiers } = matchPlan(ctx.shape, object, ctx.leads);
  const found = await tx.query<{ field: number; keys: number }>(sql`
    select f.number as field, max(coalesce(c.reltuples, 0)) as keys
      from unnest(${subTiers.flatMap(({ fields }) => fields.map(({ number }) => number))}::integer[]) f (number)
     cross join unnest(array['crm_key', 'pers_key']) s (side)
      left join pg_class c on c.oid = to_regclass(s.side || ${`_${object}_f`} || f.number) group by f.number`);
  const keysOf = new Map(found.rows.map(({ field, keys }) => [field, keys]));
  const largest = Math.max(0, ...subTiers.map(({ fields }) => fields.reduce((sum, { number }) => sum + (keysOf.get(number) ?? 0), 0)));
  let parts = 1;
  while (parts < mostParts && largest / parts > keysInAPart) parts *= 2;
  return parts;
}
