import type { PoolClient } from 'pg';
import { withHashJoins } from '../mirror/hash-joins.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';
import { keepSent } from './confirm.ts';
import { batchesOf, readCurrent } from './current.ts';
import type { CurrentValues, FieldsOfRecord } from './current.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import { fieldColumnOf } from './parts.ts';
import type { ApplyPart } from './parts.ts';

/** Retrieves at the same time: each is short. */
const retrievesAtOnce = 2;

/** Ids, in order, of the part's records with intents that are still to be decided. `sending`: only those that may have been sent, or only those that were not. */
export async function undecidedIds(database: Queryable, ctx: ApplyContext, part: ApplyPart, sending: boolean): Promise<readonly string[]> {
  const { rows } = await database.query<{ ids: readonly string[] | null }>(sql`
    select array_agg(distinct target_id) as ids from intent_set
     where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null and sending = ${sending}`);
  return rows[0]?.ids ?? [];
}

async function undecided(
  database: Queryable,
  ctx: ApplyContext,
  part: ApplyPart,
  sending: boolean,
  ids: readonly string[],
): Promise<readonly FieldsOfRecord[]> {
  const { rows } = await database.query<FieldsOfRecord>(sql`
    select target_id as id, array_agg(field) as fields, array_agg(target_type) as types from intent
     where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null and sending = ${sending}
       and target_id = any(${ids}::text[])
     group by target_id order by target_id`);
  return rows;
}

/**
 * Looks at the targets of intents and decides by what is there, field by field, by the target's type. Not sent yet: as wanted is `unchanged`, as it was planned stays planned, else `deferred`
 * (`changedMeanwhile`). May have been sent (verify): as wanted is `applied`, as it was before is planned again, or `deferred` for `stillBefore`, else `deferred`. Each batch is one commit: a repeat goes on.
 */
export async function lookAgain(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  sending: boolean,
  heartbeat: Heartbeat,
  stillBefore: string | null = null,
): Promise<void> {
  const batches = batchesOf(await undecidedIds(deps.database, ctx, part, sending));
  const work = async (): Promise<void> => {
    for (let ids = batches.shift(); ids !== undefined; ids = batches.shift()) {
      const batch = await undecided(deps.database, ctx, part, sending, ids);
      const current = await readCurrent(deps.salesforce, part, batch);
      await inRun(deps.database, ctx, async (tx) => {
        await withHashJoins(tx, () => judge(tx, ctx, part, current, sending, stillBefore));
        if (sending) await keepSent(tx, ctx, part, ids);
      });
      heartbeat();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(retrievesAtOnce, batches.length) }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** The fields of a set that come to the same keep together: the first of them, those still planned if there are any, stay in its row, each other lot gets one of its own. */
async function judge(
  tx: PoolClient,
  ctx: ApplyContext,
  part: ApplyPart,
  current: CurrentValues,
  sending: boolean,
  stillBefore: string | null,
): Promise<void> {
  const decided = sending ? 'applied' : 'unchanged';
  const before = stillBefore === null ? null : 'deferred';
  const mine = raw(
    `s.run_no = ${ctx.runNo} and s.side = 'salesforce' and s.object = '${part.object}' and s.part = ${part.chunk} and s.outcome is null and s.sending = ${sending}`,
  );
  await tx.query(sql`
    with planned as materialized (
      select s.ctid as place, s.target_id, m.mapping, f.${fieldColumnOf(part)} as field, f.target_type, f.scale, s.before[m.mapping] as before, s.after[m.mapping] as after
        from intent_set s
       cross join lateral unnest(s.mappings) as m(mapping)
        join intent_field f on f.run_no = s.run_no and f.side = s.side and f.object = s.object and f.mapping = m.mapping
       where ${mine} and s.target_id = any(${current.ids}::text[])
    ), looked as (
      -- The same text is the same value: few are compared by their type.
      select p.place, p.mapping,
        case when c.gone then 'gone' when c.value = p.after then 'wanted' when c.value is not distinct from p.before then 'before'
          when comparable(p.target_type, p.scale, c.value) is not distinct from comparable(p.target_type, p.scale, p.after) then 'wanted'
          when comparable(p.target_type, p.scale, c.value) is not distinct from comparable(p.target_type, p.scale, p.before) then 'before'
          else 'other' end as state
        from planned p
        join unnest(${current.ids}::text[], ${current.fields}::text[], ${current.values}::text[], ${current.gone}::boolean[]) as c(id, field, value, gone)
          on c.id = p.target_id and c.field = p.field
    ), judged as (
      select place, mapping,
        case state when 'gone' then 'rejected' when 'wanted' then ${decided} when 'before' then ${before} else 'deferred' end as outcome,
        case state when 'gone' then 'ENTITY_IS_DELETED' end as code,
        case state when 'gone' then 'the record is deleted' when 'wanted' then null when 'before' then ${stillBefore} else 'changedMeanwhile' end as reason
        from looked
    ), lots as materialized (
      select place, outcome, code, reason, array_agg(mapping order by mapping) as mappings,
        row_number() over (partition by place order by outcome nulls first, reason, code) as lot
        from judged group by place, outcome, code, reason
    ), parted as (
      insert into intent_set (run_no, side, object, crm, pers, target_id, target_object, mappings, before, after, outcome, code, reason, part)
      select s.run_no, s.side, s.object, s.crm, s.pers, s.target_id, s.target_object, l.mappings, s.before, s.after, l.outcome, l.code, l.reason, s.part
        from lots l join intent_set s on s.ctid = l.place
       where l.lot > 1 and ${mine} and s.target_id = any(${current.ids}::text[])
    )
    update intent_set s set mappings = l.mappings, outcome = l.outcome, code = l.code, reason = l.reason, sending = false
      from lots l
     where l.lot = 1 and s.ctid = l.place and ${mine} and s.target_id = any(${current.ids}::text[])
       and (l.outcome is not null or s.sending or s.mappings <> l.mappings)`);
}
