import type { PoolClient } from 'pg';
import { noteSeen, noteSent, notSeenYet } from '../ledger/written.ts';
import type { SentPart } from '../ledger/written.ts';
import { sql } from '../postgres/sql.ts';
import { idsPerRetrieve, readCurrent } from './current.ts';
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
  let after = '';
  for (;;) {
    const records = await notSeenYet(deps.database, sentPart(ctx, part), after, idsPerRetrieve);
    const last = records.at(-1);
    if (last === undefined) return;
    after = last.id;
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
  const there = [...new Set(seen.ids.filter((_, at) => seen.gone[at] === false))];
  await tx.query(sql`
    update crm_record c set field_values = put_values(c.field_values, a.positions, a.texts)
      from (
        select i.crm, array_agg(i.position) as positions, array_agg(w.seen) as texts
          from intent i
          join written w on w.side = 'salesforce' and w.object = i.target_object and w.rec_id = i.target_id and w.field = i.field
         where i.run_no = ${ctx.runNo} and i.side = 'salesforce' and i.object = ${part.object} and i.part = ${part.chunk} and i.outcome = 'applied'
           and i.target_id = any(${there}) and i.position is not null and w.run = ${ctx.run} and i.after is distinct from w.seen
         group by i.crm
      ) a
     where c.object = ${part.object} and c.rec = a.crm`);
}
