import type { PoolClient } from 'pg';
import { noteSeen, noteSent, notSeenYet } from '../ledger/written.ts';
import type { SentPart } from '../ledger/written.ts';
import { withHashJoins } from '../mirror/hash-joins.ts';
import { sql } from '../postgres/sql.ts';
import { currentRows, eachCurrent } from './current.ts';
import type { CurrentValues } from './current.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import { keepApplied } from './mirror-values.ts';
import { intentsOf, writtenFields } from './part-intents.ts';
import type { ApplyPart } from './parts.ts';

function sentPart(ctx: ApplyContext, part: ApplyPart): SentPart {
  return { run: ctx.run, runNo: ctx.runNo, object: part.object, chunk: part.chunk };
}

/** After confirmed writes: the ledger knows what was sent, the mirror holds it. In the transaction that keeps their outcomes. `ids`: of these records; null: all. */
export async function keepSent(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, ids: readonly string[] | null): Promise<void> {
  await noteSent(tx, sentPart(ctx, part), ids);
  await keepApplied(tx, ctx, part, ids);
}

/**
 * Reads back what was written, right away: what the org made of it is `written.seen` (R25). An edit that somebody makes later is then told apart from it. The mirror takes over what is seen. Each batch is
 * one commit: a repeat reads back the rest.
 */
export async function readBack(deps: ApplyDependencies, ctx: ApplyContext, part: ApplyPart, heartbeat: Heartbeat): Promise<void> {
  const ids = await notSeenYet(deps.database, sentPart(ctx, part));
  if (ids.length === 0) return;
  const fields = await writtenFields(deps.database, ctx, part, 'applied');
  await eachCurrent(deps.salesforce, part, ids, fields, async (seen) => {
    await inRun(deps.database, ctx, async (tx) => {
      for (const { field, texts } of seen.fields) await noteSeen(tx, ctx.run, part.targetObject, field, seen.ids, texts);
      await keepSeen(tx, ctx, part, seen);
    });
    heartbeat();
  });
}

/** Where the org made something else of a value, the mirror holds that. */
async function keepSeen(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, seen: CurrentValues): Promise<void> {
  // Outcomes are younger than the statistics, and the planner would loop over all pairs.
  const { rows } = await withHashJoins(tx, () =>
    tx.query<{ crm: number; position: number; value: string | null }>(sql`
      with current as materialized (${currentRows(seen)})
      select s.crm, f.position, c.texts[m.mapping] as value
        from intent_set s join current c on c.id = s.target_id
       cross join lateral (select m as mapping from unnest(s.mappings) as m where s.after[m] is distinct from c.texts[m]) as m
        join intent_field f on f.run_no = s.run_no and f.side = s.side and f.object = s.object and f.mapping = m.mapping
       where ${intentsOf(ctx, part, 'applied')} and s.target_id = any(${seen.ids}::text[]) and not c.gone and f.position is not null`),
  );
  if (rows.length === 0) return;
  await tx.query(sql`
    update crm_record c set field_values = put_values(c.field_values, a.positions, a.texts)
      from (select crm, array_agg(position) as positions, array_agg(value) as texts
              from unnest(${rows.map(({ crm }) => crm)}::bigint[], ${rows.map(({ position }) => position)}::integer[], ${rows.map(({ value }) => value)}::text[]) as o(crm, position, value)
             group by crm) a
     where c.object = ${part.object} and c.rec = a.crm`);
}
