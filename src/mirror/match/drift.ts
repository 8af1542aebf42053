import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { begunPlan } from './begun.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import { subTierNames } from './match-plan.ts';
import type { MatchPlan, SubTier, SubTierName } from './match-plan.ts';

/**
 * R14: marks the kept links that are drifted: the fields that made them are still configured and none of their sub-tier agrees any longer, or a higher sub-tier
 * makes either of the two a candidate of another, linked or not. Returns how many. Groups are looked at by their ends, never pair by pair.
 */
export async function markDrifted(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<number> {
  const t = runTables(ctx, object);
  const plan = await begunPlan(tx, ctx, object);
  const made = await tx.query<{ sub_tier: SubTierName; crm_field: string | null }>(sql`
    select sub_tier, crm_field from ${t.crmOutcome} where outcome = 'linked' and reason in ('kept', 'converted') group by sub_tier, crm_field`);
  const places = made.rows
    .map((row) => ({ ...row, ...placeOf(plan, row.sub_tier, row.crm_field) }))
    .filter(({ rank, own }) => rank > 0 || own !== null);
  if (places.length === 0) return 0;
  await tx.query(sql`
    create temp table kept on commit drop as
    select o.rec as crm, o.pers, m.rank, m.own from ${t.crmOutcome} o
      join jsonb_to_recordset(${JSON.stringify(places)}::jsonb) m (sub_tier text, crm_field text, rank integer, own integer)
        on m.sub_tier = o.sub_tier and m.crm_field is not distinct from o.crm_field
     where o.outcome = 'linked' and o.reason in ('kept', 'converted')`);
  await tx.query(sql`
    create temp table drift_blocked on commit drop as
    select r.rec as crm, p.rec as pers from block_now(${ctx.decisionSeq}) b
      join ${t.crmRecord} r on r.crm_id = b.crm_id
      join ${identifier(`pers_record_${objectFacts[object].personKind}`)} p on p.pers_id = b.pers_id where b.object = ${object}`);
  await tx.query(sql`create temp table drifted (crm bigint) on commit drop`);
  await tx.query(sql`analyze kept`);
  await tx.query(sql`analyze drift_blocked`);
  for (const subTier of plan.subTiers) {
    if (places.some(({ own }) => own === subTier.index)) await noLongerAgree(tx, ctx, object, subTier);
    if (places.some(({ rank }) => rank > subTier.index)) await claimedElsewhere(tx, ctx, object, subTier);
  }
  const done = await tx.query(sql`
    update ${t.crmOutcome} o set reason = 'drifted' from (select distinct crm from drifted) d where o.rec = d.crm and o.reason = 'kept'`);
  await tx.query(sql`drop table kept, drift_blocked, drifted`);
  return done.rowCount ?? 0;
}

interface Place {
  /** Sub-tiers of a lower index are higher ones. */
  readonly rank: number;
  /** The sub-tier that made the link; null where its field is no longer configured, or it compares nothing. */
  readonly own: number | null;
}

/** Where a link of that origin stands among today's sub-tiers. */
export function placeOf(plan: MatchPlan, subTier: SubTierName, crmField: string | null): Place {
  const own = plan.subTiers.find(({ name, fields }) => name === subTier && fields.some((field) => field.name === crmField));
  if (own !== undefined) return { rank: own.index, own: own.index };
  const order = subTierNames.indexOf(subTier);
  return { rank: plan.subTiers.filter(({ name }) => subTierNames.indexOf(name) < order).length, own: null };
}

function fieldsOf({ fields }: SubTier, alias: string): ReturnType<typeof raw> {
  return raw(`${alias}.field in (${fields.map(({ number }) => number).join(', ')})`);
}

async function noLongerAgree(tx: PoolClient, ctx: MatchContext, object: ObjectType, subTier: SubTier): Promise<void> {
  const t = runTables(ctx, object);
  await tx.query(sql`
    insert into drifted
    select crm from kept where own = ${subTier.index}
    except
    select k.crm from kept k
      join ${t.crmKey} c on c.rec = k.crm and ${fieldsOf(subTier, 'c')}
      join ${t.persKey} p on p.rec = k.pers and p.field = c.field and p.value = c.value
     where k.own = ${subTier.index}`);
}

/** A group has another member than the one that the link has exactly if its smallest or its largest is another. Blocked pairs are looked at one by one. */
async function claimedElsewhere(tx: PoolClient, ctx: MatchContext, object: ObjectType, subTier: SubTier): Promise<void> {
  const t = runTables(ctx, object);
  const free = raw(object === 'lead' ? `and not exists (select from ${t.persOutcome.fragment} s where s.rec = p.rec and s.outcome = 'held')` : '');
  const sides = [
    { own: 'crm', other: 'pers', ownKey: t.crmKey, otherKey: t.persKey, free },
    { own: 'pers', other: 'crm', ownKey: t.persKey, otherKey: t.crmKey, free: raw('') },
  ] as const;
  for (const side of sides) {
    const [own, other] = [raw(side.own), raw(side.other)];
    const blocked = raw(`exists (select from drift_blocked b where b.${side.own} = k.${side.own})`);
    await tx.query(sql`
      insert into drifted
      select k.crm from kept k join ${side.ownKey} o on o.rec = k.${own} and ${fieldsOf(subTier, 'o')}
        join (select p.field, p.value, min(p.rec) as least, max(p.rec) as most from ${side.otherKey} p
               where ${fieldsOf(subTier, 'p')} ${side.free} group by p.field, p.value) g on g.field = o.field and g.value = o.value
       where k.rank > ${subTier.index} and (g.least <> k.${other} or g.most <> k.${other}) and not ${blocked}
      union all
      select k.crm from kept k join ${side.ownKey} o on o.rec = k.${own} and ${fieldsOf(subTier, 'o')}
        join ${side.otherKey} p on p.field = o.field and p.value = o.value and p.rec <> k.${other} ${side.free}
       where k.rank > ${subTier.index} and ${blocked}
         and not exists (select from drift_blocked b where b.${own} = k.${own} and b.${other} = p.rec)`);
  }
}
