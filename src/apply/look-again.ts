import type { PoolClient } from 'pg';
import { withHashJoins } from '../mirror/hash-joins.ts';
import { raw, sql } from '../postgres/sql.ts';
import { keepSent } from './confirm.ts';
import { currentRows, eachCurrent } from './current.ts';
import type { CurrentValues } from './current.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import { intentsOf, targetIds, writtenFields } from './part-intents.ts';
import type { IntentState } from './part-intents.ts';
import type { ApplyPart } from './parts.ts';

/** What is still to be decided of a part. */
type Undecided = Exclude<IntentState, 'applied'>;

/**
 * Looks at the targets of intents and decides by what is there, field by field, by the target's type. `planned`: as wanted is `unchanged`, as it was planned stays planned, else `deferred`
 * (`changedMeanwhile`). `inDoubt` (verify): as wanted is `applied`, as it was before is planned again, or `deferred` for `stillBefore`, else `deferred`. Each batch is one commit: a repeat goes on.
 */
export async function lookAgain(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  state: Undecided,
  heartbeat: Heartbeat,
  stillBefore: string | null = null,
): Promise<void> {
  const ids = await targetIds(deps.database, ctx, part, state);
  if (ids.length === 0) return;
  const fields = await writtenFields(deps.database, ctx, part, state);
  await eachCurrent(deps.salesforce, part, ids, fields, async (current) => {
    await inRun(deps.database, ctx, async (tx) => {
      await withHashJoins(tx, () => judge(tx, ctx, part, current, state, stillBefore));
      if (state === 'inDoubt') await keepSent(tx, ctx, part, current.ids);
    });
    heartbeat();
  });
}

/** The fields of a set that come to the same keep together: the first of them, those still planned if there are any, stay in its row, each other lot gets one of its own. */
async function judge(
  tx: PoolClient,
  ctx: ApplyContext,
  part: ApplyPart,
  current: CurrentValues,
  state: Undecided,
  stillBefore: string | null,
): Promise<void> {
  const decided = state === 'inDoubt' ? 'applied' : 'unchanged';
  const before = stillBefore === null ? null : 'deferred';
  const mine = intentsOf(ctx, part, state);
  // Planned, and the org holds the very texts of before, as most do: it stays planned.
  const toJudge = raw(
    state === 'inDoubt' || stillBefore !== null
      ? 'true'
      : 'c.gone or exists (select from unnest(s.mappings) as m where c.texts[m] is distinct from s.before[m])',
  );
  await tx.query(sql`
    with current as materialized (${currentRows(current)}),
    planned as materialized (
      select s.ctid as place, c.gone, m.mapping, f.target_type, f.scale, s.before[m.mapping] as before, s.after[m.mapping] as after, c.texts[m.mapping] as value
        from intent_set s join current c on c.id = s.target_id
       cross join lateral unnest(s.mappings) as m(mapping)
        join intent_field f on f.run_no = s.run_no and f.side = s.side and f.object = s.object and f.mapping = m.mapping
       where ${mine} and s.target_id = any(${current.ids}::text[]) and (${toJudge})
    ), looked as (
      -- The same text is the same value: few are compared by their type.
      select place, mapping,
        case when gone then 'gone' when value = after then 'wanted' when value is not distinct from before then 'before'
          when comparable(target_type, scale, value) is not distinct from comparable(target_type, scale, after) then 'wanted'
          when comparable(target_type, scale, value) is not distinct from comparable(target_type, scale, before) then 'before'
          else 'other' end as state
        from planned
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
