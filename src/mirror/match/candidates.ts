import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { begunSubTier } from './begun.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import type { SubTier } from './match-plan.ts';

export interface CandidateCounts {
  /** Rows of `candidate`: a pair once for each field that makes it. Pairs of large groups are not among them. */
  readonly candidates: number;
}

/** A group of a value has n * m pairs; beyond this many, with at least two on either side, it is hot: its members and their degrees are written down, not its pairs. */
const defaultListedPairs = 100;

/**
 * Finds the candidates of one sub-tier among those that are still free, for the values of one part (R9, R13). `parts` is a power of two and the
 * same for all parts. A part can be done at any time after the sub-tier before was settled, in any order, at the same time as others.
 */
export async function candidatePart(
  tx: PoolClient,
  ctx: MatchContext,
  object: ObjectType,
  subTierIndex: number,
  part: number,
  parts: number,
): Promise<CandidateCounts> {
  const subTier = await begunSubTier(tx, ctx, object, subTierIndex);
  const slice: Slice = { ctx, object, subTier, part, parts };
  if (!(await collectKeys(tx, slice))) return { candidates: 0 };
  const blocked = await collectBlocked(tx, slice);
  const hot = await collectGroups(tx, ctx.listedPairs ?? defaultListedPairs);
  let candidates = await listPairs(tx, slice, blocked);
  if (hot) candidates += await writeHotMembers(tx, slice, blocked);
  await tx.query(sql`drop table free_crm, free_pers, value_group, blocked_pair`);
  return { candidates };
}

interface Slice {
  readonly ctx: MatchContext;
  readonly object: ObjectType;
  readonly subTier: SubTier;
  readonly part: number;
  readonly parts: number;
}

/** `free_pers` and `free_crm`: the keys of this part whose owners are free. False if nothing can come of them; then neither table is left. */
async function collectKeys(tx: PoolClient, { ctx, object, subTier, part, parts }: Slice): Promise<boolean> {
  const t = runTables(ctx, object);
  const fields = subTier.fields.map(({ number }) => number).join(', ');
  const inPart = raw(`k.field in (${fields}) ${parts === 1 ? '' : `and (hashtextextended(k.value, 0) & ${parts - 1}) = ${part}`}`);
  // Held users take part in the lead match only to say who is suppressed (R17).
  const persons = await tx.query(
    object === 'lead'
      ? sql`
    create temp table free_pers on commit drop as
    select k.field, k.value, k.rec, k.attr, s.rec is not null as held from ${t.persKey} k left join ${t.persOutcome} s on s.rec = k.rec
     where ${inPart} and (s.rec is null or s.outcome = 'held')`
      : sql`
    create temp table free_pers on commit drop as
    select k.field, k.value, k.rec, k.attr, false as held from ${t.persKey} k
     where ${inPart} and not exists (select from ${t.persOutcome} s where s.rec = k.rec)`,
  );
  if (persons.rowCount === 0) {
    await tx.query(sql`drop table free_pers`);
    return false;
  }
  await tx.query(sql`analyze free_pers`);
  const records = await tx.query(sql`
    create temp table free_crm on commit drop as
    select k.field, k.value, k.rec from ${t.crmKey} k
     where ${inPart} and not exists (select from ${t.crmOutcome} s where s.rec = k.rec)
       and exists (select from free_pers p where p.field = k.field and p.value = k.value)`);
  if (records.rowCount === 0) {
    await tx.query(sql`drop table free_pers, free_crm`);
    return false;
  }
  await tx.query(sql`analyze free_crm`);
  return true;
}

/** `blocked_pair (crm, pers)`. Returns whether there is any (R13). */
async function collectBlocked(tx: PoolClient, { ctx, object }: Slice): Promise<boolean> {
  const found = await tx.query(sql`
    create temp table blocked_pair on commit drop as
    select r.rec as crm, p.rec as pers from block_now(${ctx.decisionSeq}) b
      join ${runTables(ctx, object).crmRecord} r on r.crm_id = b.crm_id
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = b.pers_id
     where b.object = ${object}`);
  if (found.rowCount === 0) return false;
  await tx.query(sql`analyze blocked_pair`);
  return true;
}

/** `value_group`: one row for each value that both sides have, n records, m persons; crm, pers and attr are those of its one pair where n = m = 1. Returns whether any is hot. */
async function collectGroups(tx: PoolClient, listedPairs: number): Promise<boolean> {
  await tx.query(sql`
    create temp table value_group on commit drop as
    select field, value, n, m, n = 1 and m = 1 as single, n >= 2 and m >= 2 and n * m > ${listedPairs} as hot, crm, pers, attr, held
      from (select field, value, count(*) as n, min(rec) as crm from free_crm group by field, value) c
      join (select field, value, count(*) as m, min(rec) as pers, min(attr) as attr, bool_or(held) as held from free_pers group by field, value) p
        using (field, value)`);
  await tx.query(sql`analyze value_group`);
  const hot = await tx.query(sql`select from value_group where hot limit 1`);
  return hot.rowCount !== 0;
}

function insertInto({ ctx, object, subTier }: Slice, table: 'candidate' | 'hot'): ReturnType<typeof raw> {
  const name = runTables(ctx, object)[table].fragment;
  const columns = table === 'candidate' ? 'field, attr, crm, pers, held' : 'field, value, side, rec, held, degree, held_degree';
  const values = columns
    .split(', ')
    .map((column) => `x.${column}`)
    .join(', ');
  return raw(`insert into ${name} (run_no, object, tier, ${columns}) select ${ctx.runNo}, '${object}', ${subTier.index}, ${values}`);
}

function notBlocked(blocked: boolean): ReturnType<typeof raw> {
  return raw(blocked ? 'where not exists (select from blocked_pair b where b.crm = x.crm and b.pers = x.pers)' : '');
}

async function listPairs(tx: PoolClient, slice: Slice, blocked: boolean): Promise<number> {
  const done = await tx.query(sql`
    ${insertInto(slice, 'candidate')} from (
      select field, attr, crm, pers, held from value_group where single
      union all
      select g.field, p.attr, c.rec, p.rec, p.held
        from value_group g join free_crm c using (field, value) join free_pers p using (field, value) where not g.single and not g.hot) x
     ${notBlocked(blocked)}`);
  return done.rowCount ?? 0;
}

/**
 * Writes down the members of hot groups with their degrees, blocked pairs taken off. Two members of degree 2 or more need no line between
 * them: either is ambiguous by itself. The lines of those left with a degree of 1 are listed, so that settling knows who is at the other end.
 */
async function writeHotMembers(tx: PoolClient, slice: Slice, blocked: boolean): Promise<number> {
  await tx.query(sql`
    create temp table hot_crm on commit drop as
    select g.field, g.value, c.rec, p.free as degree, p.held as held_degree from value_group g join free_crm c using (field, value)
      join (select field, value, count(*) filter (where not p.held) as free, count(*) filter (where p.held) as held
              from value_group g join free_pers p using (field, value) where g.hot group by field, value) p using (field, value)
     where g.hot`);
  await tx.query(sql`
    create temp table hot_pers on commit drop as
    select g.field, g.value, p.rec, p.attr, p.held, case when p.held then 0 else g.n end as degree
      from value_group g join free_pers p using (field, value) where g.hot`);
  await tx.query(sql`analyze hot_crm`);
  await tx.query(sql`analyze hot_pers`);
  if (blocked) {
    await tx.query(sql`
      create temp table hot_blocked on commit drop as
      select c.field, c.value, b.crm, b.pers, p.held from blocked_pair b join hot_crm c on c.rec = b.crm
        join hot_pers p on p.rec = b.pers and p.field = c.field and p.value = c.value`);
    await tx.query(sql`
      update hot_crm c set degree = degree - b.free, held_degree = held_degree - b.held
        from (select field, value, crm, count(*) filter (where not held) as free, count(*) filter (where held) as held from hot_blocked group by field, value, crm) b
       where b.field = c.field and b.value = c.value and b.crm = c.rec`);
    await tx.query(sql`
      update hot_pers p set degree = degree - b.n
        from (select field, value, pers, count(*) as n from hot_blocked where not held group by field, value, pers) b
       where b.field = p.field and b.value = p.value and b.pers = p.rec`);
    await tx.query(sql`drop table hot_blocked`);
  }
  await tx.query(sql`
    ${insertInto(slice, 'hot')} from (
      select field, value, 'crm' as side, rec, false as held, degree, held_degree from hot_crm
      union all select field, value, 'pers', rec, held, degree, 0 from hot_pers) x`);
  const lines = await tx.query(sql`
    ${insertInto(slice, 'candidate')} from (
      select c.field, p.attr, c.rec as crm, p.rec as pers, false as held
        from hot_crm c join hot_pers p using (field, value) where c.degree = 1 and not p.held
      union
      select p.field, p.attr, c.rec, p.rec, false
        from hot_pers p join hot_crm c using (field, value) where p.degree = 1 and not p.held) x
     ${notBlocked(blocked)}`);
  await tx.query(sql`drop table hot_crm, hot_pers`);
  return lines.rowCount ?? 0;
}
