import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import type { SubTier } from './match-plan.ts';

/** How many of a record's candidates are kept by name; their number is exact whatever it is. */
const namedCandidates = 50;

/**
 * Writes into the outcomes of one settled sub-tier how many persons each stopped or suppressed record could be, and the first of them by id (R13). Of a
 * suppressed record these are held persons, of any other one free ones. Members of hot groups are counted by group, never pair by pair.
 */
export async function keepCandidates(tx: PoolClient, ctx: MatchContext, object: ObjectType, { index, name }: SubTier): Promise<void> {
  const t = runTables(ctx, object);
  const persRecord = identifier(`pers_record_${objectFacts[object].personKind}`);
  await tx.query(sql`
    create temp table review on commit drop as
    select rec as crm, outcome = 'suppressed' as held from ${t.crmOutcome}
     where sub_tier = ${name} and outcome in ('ambiguous', 'conflicting', 'suppressed') and candidates is null`);
  await tx.query(sql`analyze review`);
  await tx.query(sql`
    create temp table listed on commit drop as
    select distinct c.crm, c.pers, p.pers_id from review r join ${t.candidate} c on c.tier = ${index} and c.crm = r.crm and c.held = r.held
      join ${persRecord} p on p.rec = c.pers`);
  await tx.query(sql`analyze listed`);
  const hot = await tx.query(sql`select from ${t.hot} where tier = ${index} limit 1`);
  if (hot.rowCount !== 0) await addHotCandidates(tx, ctx, object, index);
  await tx.query(sql`
    update ${t.crmOutcome} o set candidate_count = c.n, candidates = c.first
      from (select crm, count(*) as n, (array_agg(pers order by pers_id))[1:${raw(String(namedCandidates))}] as first from listed group by crm) c
     where o.rec = c.crm and o.candidates is null`);
  await tx.query(sql`drop table review, listed`);
}

/**
 * The records of `review` that are in hot groups. Those in the same groups share a union of persons, which is counted once: `crowd`. What each
 * record then has of its own, listed candidates outside the union and blocked pairs inside it, is added and taken off.
 */
async function addHotCandidates(tx: PoolClient, ctx: MatchContext, object: ObjectType, index: number): Promise<void> {
  const t = runTables(ctx, object);
  const persRecord = identifier(`pers_record_${objectFacts[object].personKind}`);
  await tx.query(sql`
    create temp table hot_group on commit drop as
    select row_number() over () as gid, field, value from (select distinct field, value from ${t.hot} where tier = ${index}) g`);
  await tx.query(sql`
    create temp table crowded on commit drop as
    select r.crm, r.held, array_agg(g.gid order by g.gid) as gids
      from review r join ${t.hot} h on h.tier = ${index} and h.side = 'crm' and h.rec = r.crm
      join hot_group g on g.field = h.field and g.value = h.value
     where case when r.held then h.held_degree else h.degree end > 0
     group by r.crm, r.held`);
  await tx.query(sql`
    create temp table crowd_person on commit drop as
    select g.gid, h.rec as pers, p.pers_id, h.held from ${t.hot} h join hot_group g on g.field = h.field and g.value = h.value
      join ${persRecord} p on p.rec = h.rec where h.tier = ${index} and h.side = 'pers'`);
  await tx.query(sql`
    create temp table crowd_blocked on commit drop as
    select c.crm, b.pers from (
      select r.rec as crm, p.rec as pers from block_now(${ctx.decisionSeq}) b
        join ${t.crmRecord} r on r.crm_id = b.crm_id join ${persRecord} p on p.pers_id = b.pers_id where b.object = ${object}) b
      join crowded c on c.crm = b.crm
     where exists (select from crowd_person p where p.pers = b.pers and p.held = c.held and p.gid = any(c.gids))`);
  for (const table of ['hot_group', 'crowded', 'crowd_person', 'crowd_blocked']) await tx.query(sql`analyze ${raw(table)}`);
  const most = await tx.query<{ most: number }>(sql`
    select coalesce(max(n), 0) as most from (select count(*) as n from crowd_blocked group by crm) b`);
  const names = raw(String(namedCandidates + (most.rows[0]?.most ?? 0)));
  await tx.query(sql`
    create temp table crowd on commit drop as
    select gids, held, count(*) as n, (array_agg(pers order by pers_id))[1:${names}] as first
      from (select distinct s.gids, s.held, p.pers, p.pers_id
              from (select distinct gids, held from crowded) s join crowd_person p on p.gid = any(s.gids) and p.held = s.held) u
     group by gids, held`);
  await tx.query(sql`analyze crowd`);
  // Listed candidates that the union holds already.
  await tx.query(sql`
    delete from listed l using crowded c
     where c.crm = l.crm and exists (select from crowd_person p where p.pers = l.pers and p.held = c.held and p.gid = any(c.gids))`);
  await tx.query(sql`
    with own as (select crm, count(*) as n from listed group by crm), off as (select crm, count(*) as n from crowd_blocked group by crm)
    update ${t.crmOutcome} o
       set candidate_count = u.n + coalesce(own.n, 0) - coalesce(off.n, 0),
           candidates = case when own.n is null and off.n is null then u.first[1:${raw(String(namedCandidates))}] else array(
             select x.pers from (
               select f.pers, p.pers_id from unnest(u.first) f (pers) join ${persRecord} p on p.rec = f.pers
                where not exists (select from crowd_blocked b where b.crm = c.crm and b.pers = f.pers)
               union all select l.pers, l.pers_id from listed l where l.crm = c.crm) x
             order by x.pers_id limit ${raw(String(namedCandidates))}) end
      from crowded c join crowd u on u.gids = c.gids and u.held = c.held
      left join own on own.crm = c.crm left join off on off.crm = c.crm
     where o.rec = c.crm`);
  await tx.query(sql`delete from listed l using crowded c where c.crm = l.crm`);
  await tx.query(sql`drop table hot_group, crowded, crowd_person, crowd_blocked, crowd`);
}
