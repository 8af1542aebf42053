import type { PoolClient } from 'pg';
import { noteSeen, noteSent, notSeenYet, sentIds } from '../ledger/written.ts';
import type { SentPart } from '../ledger/written.ts';
import { withHashJoins } from '../mirror/hash-joins.ts';
import { sql } from '../postgres/sql.ts';
import { batchesOf, readCurrent } from './current.ts';
import type { CurrentValues } from './current.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import { keepApplied } from './mirror-values.ts';
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
  for (const ids of batchesOf(await sentIds(deps.database, sentPart(ctx, part)))) {
    const records = await notSeenYet(deps.database, sentPart(ctx, part), ids);
    if (records.length === 0) continue;
    const seen = await readCurrent(deps.salesforce, part, records);
    await inRun(deps.database, ctx, async (tx) => {
      await noteSeen(tx, ctx.run, part.targetObject, seen);
      await keepSeen(tx, ctx, part, seen);
    });
    heartbeat();
  }
}

/** Where the org made something else of a value, the mirror holds that. */
async function keepSeen(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, seen: CurrentValues): Promise<void> {
  // Outcomes are younger than the statistics, and the planner would loop over all pairs.
  const { rows } = await withHashJoins(tx, () =>
    tx.query<{ crm: number; position: number; value: string | null }>(sql`
      select i.crm, i.position, s.value
        from unnest(${seen.ids}::text[], ${seen.fields}::text[], ${seen.values}::text[], ${seen.gone}::boolean[]) as s(id, field, value, gone)
        join intent i on i.target_id = s.id and i.field = s.field
       where i.run_no = ${ctx.runNo} and i.side = 'salesforce' and i.object = ${part.object} and i.part = ${part.chunk} and i.outcome = 'applied'
         and i.target_id = any(${seen.ids}::text[]) and i.position is not null and not s.gone and i.after is distinct from s.value`),
  );
  if (rows.length === 0) return;
  await tx.query(sql`
    update crm_record c set field_values = put_values(c.field_values, a.positions, a.texts)
      from (select crm, array_agg(position) as positions, array_agg(value) as texts
              from unnest(${rows.map(({ crm }) => crm)}::bigint[], ${rows.map(({ position }) => position)}::integer[], ${rows.map(({ value }) => value)}::text[]) as o(crm, position, value)
             group by crm) a
     where c.object = ${part.object} and c.rec = a.crm`);
}
