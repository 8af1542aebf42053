import type { PoolClient } from 'pg';
import type { ObjectType } from '../../domain/objects.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { begunSubTier } from './begun.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import { keepCandidates } from './kept-candidates.ts';
import type { SubTier } from './match-plan.ts';

export interface SettledSubTier {
  /** Records that this sub-tier linked, stopped (`ambiguous` or `conflicting`), or suppressed. */
  readonly linked: number;
  readonly stopped: number;
  readonly suppressed: number;
}

/**
 * Settles one sub-tier after all its parts (R13, R17): pairs of which neither has another candidate are linked, every other record and person with a
 * candidate is stopped. Several small statements over temporary tables with statistics: one large one ran for minutes on 200,000 candidates.
 */
export async function settleSubTier(tx: PoolClient, ctx: MatchContext, object: ObjectType, subTierIndex: number): Promise<SettledSubTier> {
  const subTier = await begunSubTier(tx, ctx, object, subTierIndex);
  const t = runTables(ctx, object);
  const any = await tx.query(sql`
    select from ${t.candidate} where tier = ${subTierIndex} union all select from ${t.hot} where tier = ${subTierIndex} limit 1`);
  if (any.rowCount === 0) return { linked: 0, stopped: 0, suppressed: 0 };
  await tx.query(sql`analyze ${t.candidate}`);
  await tx.query(sql`analyze ${t.hot}`);
  const suppressed = object === 'lead' ? await suppress(tx, ctx, object, subTier) : 0;
  await collectLines(tx, ctx, object, subTier);
  const linked = await link(tx, ctx, object, subTier);
  const stopped = await stop(tx, ctx, object, subTier);
  if (stopped + suppressed > 0) await keepCandidates(tx, ctx, object, subTier);
  await tx.query(sql`drop table line, several_crm, several_pers, hot_crm, hot_pers, open_line`);
  await tx.query(sql`analyze ${t.crmOutcome}`);
  await tx.query(sql`analyze ${t.persOutcome}`);
  return { linked, stopped, suppressed };
}

/** R17: leads all of whose candidates are held. They leave before anything is counted; a held user counts nowhere after this. */
async function suppress(tx: PoolClient, ctx: MatchContext, object: ObjectType, { index, name }: SubTier): Promise<number> {
  const t = runTables(ctx, object);
  const done = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier)
    select ${ctx.runNo}::bigint, ${object}, crm, 'suppressed', ${name} from (
      select crm, bool_or(not held) as free, bool_or(held) as held from ${t.candidate} where tier = ${index} group by crm
      union all
      select rec, degree > 0, held_degree > 0 from ${t.hot} where tier = ${index} and side = 'crm') c
     group by crm having bool_or(held) and not bool_or(free)`);
  return done.rowCount ?? 0;
}

/**
 * `line`: the distinct free pairs with the first field and attribute that make each, as `field * 65536 + attr`. `hot_crm`, `hot_pers`: members of hot groups with a degree
 * of 2 or more, whose other lines are not listed. `several_crm`, `several_pers`: who has another candidate.
 */
async function collectLines(tx: PoolClient, ctx: MatchContext, object: ObjectType, { index, fields }: SubTier): Promise<void> {
  const t = runTables(ctx, object);
  const from = raw(`from ${t.candidate.fragment} where tier = ${index} and not held`);
  const made = raw('field::integer * 65536 + attr');
  // Within one field a pair is listed once.
  await tx.query(
    fields.length === 1
      ? sql`create temp table line on commit drop as select crm, pers, ${made} as made ${from}`
      : sql`create temp table line on commit drop as select crm, pers, min(${made}) as made ${from} group by crm, pers`,
  );
  await tx.query(sql`analyze line`);
  for (const side of ['crm', 'pers'] as const) {
    await tx.query(sql`
      create temp table ${raw(`hot_${side}`)} on commit drop as
      select distinct rec from ${t.hot} where tier = ${index} and side = ${side} and degree >= 2 and not held`);
    await tx.query(sql`
      create temp table ${raw(`several_${side}`)} on commit drop as
      select ${raw(side)} as rec from line group by ${raw(side)} having count(*) > 1
      union select rec from ${raw(`hot_${side}`)}`);
    await tx.query(sql`analyze ${raw(`hot_${side}`)}`);
    await tx.query(sql`analyze ${raw(`several_${side}`)}`);
  }
  await tx.query(sql`
    create temp table open_line on commit drop as
    select crm, pers from line l
     where exists (select from several_crm s where s.rec = l.crm) or exists (select from several_pers s where s.rec = l.pers)`);
  await tx.query(sql`analyze open_line`);
}

/** `(made, crm_field, attribute)`: the names of each match field of the sub-tier. */
function namesOf({ fields }: SubTier): ReturnType<typeof raw> {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const rows = fields.flatMap((field) =>
    field.attributes.map((attribute) => `(${field.number * 65536 + attribute.number}, ${quoted(field.name)}, ${quoted(attribute.name)})`),
  );
  return raw(`(values ${rows.join(', ')}) n (made, crm_field, attribute)`);
}

async function link(tx: PoolClient, ctx: MatchContext, object: ObjectType, subTier: SubTier): Promise<number> {
  const t = runTables(ctx, object);
  const single = raw(`not exists (select from several_crm s where s.rec = l.crm) and not exists (select from several_pers s where s.rec = l.pers)`);
  const done = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier, pers, crm_field, attribute)
    select ${ctx.runNo}::bigint, ${object}, l.crm, 'linked', ${subTier.name}, l.pers, n.crm_field, n.attribute
      from line l join ${namesOf(subTier)} using (made) where ${single}`);
  await tx.query(sql`
    insert into ${t.persOutcome} (run_no, object, rec, outcome)
    select ${ctx.runNo}::bigint, ${object}, l.pers, 'linked' from line l where ${single}`);
  return done.rowCount ?? 0;
}

/**
 * R13: `ambiguous` if one single field gives the record, or one of its direct candidates, two or more counterparts; else `conflicting`. The members of a hot
 * group with two or more lines in it are ambiguous by that field alone, and so are their counterparts, whether the line between them is listed or not.
 */
async function stop(tx: PoolClient, ctx: MatchContext, object: ObjectType, { index, name }: SubTier): Promise<number> {
  const t = runTables(ctx, object);
  for (const side of ['crm', 'pers'] as const)
    await tx.query(sql`
      create temp table ${raw(`ambiguous_${side}`)} on commit drop as
      select ${raw(side)} as rec from ${t.candidate} c
       where tier = ${index} and not held and exists (select from ${raw(`several_${side}`)} s where s.rec = c.${raw(side)})
       group by ${raw(side)}, field having count(distinct ${raw(side === 'crm' ? 'pers' : 'crm')}) > 1
      union select rec from ${raw(`hot_${side}`)}`);
  const done = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome, sub_tier)
    select ${ctx.runNo}::bigint, ${object}, rec,
      case when exists (select from ambiguous_crm a where a.rec = s.rec)
             or exists (select from open_line l join ambiguous_pers a on a.rec = l.pers where l.crm = s.rec) then 'ambiguous' else 'conflicting' end,
      ${name}
      from (select crm as rec from open_line union select rec from hot_crm) s`);
  await tx.query(sql`
    insert into ${t.persOutcome} (run_no, object, rec, outcome)
    select ${ctx.runNo}::bigint, ${object}, rec, 'stopped' from (select pers as rec from open_line union select rec from hot_pers) s`);
  await tx.query(sql`drop table ambiguous_crm, ambiguous_pers`);
  return done.rowCount ?? 0;
}
