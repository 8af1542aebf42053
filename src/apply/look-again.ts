import type { PoolClient } from 'pg';
import { withHashJoins } from '../mirror/hash-joins.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { keepSent } from './confirm.ts';
import { batchesOf, readCurrent } from './current.ts';
import type { CurrentValues, FieldsOfRecord } from './current.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import type { ApplyPart } from './parts.ts';

/** Retrieves at the same time: each is short. */
const retrievesAtOnce = 2;

/** Ids, in order, of the part's records with intents that are still to be decided. `sending`: only those that may have been sent, or only those that were not. */
export async function undecidedIds(database: Queryable, ctx: ApplyContext, part: ApplyPart, sending: boolean): Promise<readonly string[]> {
  const { rows } = await database.query<{ ids: readonly string[] | null }>(sql`
    select array_agg(distinct target_id) as ids from intent
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
  await tx.query(sql`
    update intent i
       set (outcome, code, reason, sending) = (
         select case when c.gone then 'rejected' when as_wanted then ${decided} when as_before then ${before} else 'deferred' end,
           case when c.gone then 'ENTITY_IS_DELETED' end,
           case when c.gone then 'the record is deleted' when as_wanted then null when as_before then ${stillBefore} else 'changedMeanwhile' end,
           false
           from (select comparable(i.target_type, i.scale, c.value) is not distinct from comparable(i.target_type, i.scale, i.after) as as_wanted,
                   comparable(i.target_type, i.scale, c.value) is not distinct from comparable(i.target_type, i.scale, i.before) as as_before offset 0) s)
      from unnest(${current.ids}::text[], ${current.fields}::text[], ${current.values}::text[], ${current.gone}::boolean[]) as c(id, field, value, gone)
     where i.run_no = ${ctx.runNo} and i.side = 'salesforce' and i.object = ${part.object} and i.part = ${part.chunk} and i.outcome is null and i.sending = ${sending}
       and i.target_id = any(${current.ids}::text[]) and i.target_id = c.id and i.field = c.field
       and (${sending} or c.gone or comparable(i.target_type, i.scale, c.value) is distinct from comparable(i.target_type, i.scale, i.before)
         or comparable(i.target_type, i.scale, c.value) is not distinct from comparable(i.target_type, i.scale, i.after))`);
}
