import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { fence } from '../ledger/runs.ts';
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';

/** One commit of a run that is still the open one, or of the run that looks after an abandoned one; of a part that was taken, by the attempt that took it last. */
export async function inRun<T>(database: Database, ctx: ApplyContext, body: (tx: PoolClient) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await fence(tx, ctx.heldBy ?? ctx);
    if (ctx.holds !== undefined) await fencePart(tx, ctx.runNo, ctx.holds);
    return body(tx);
  });
}

/**
 * Takes a part for one attempt. An earlier one that was paused, or whose heartbeat was lost, keeps nothing from here on and sends nothing but what it had committed as being sent. Whoever comes last has the part:
 * one that is taken from is begun again by the engine if it is the one that counts.
 */
export async function takePart(database: Database, ctx: ApplyContext, part: number): Promise<ApplyContext> {
  return inRun(database, ctx, async (tx) => {
    const { rows } = await tx.query<{ taken: number }>(sql`
      update apply_part set taken = taken + 1 where run_no = ${ctx.runNo} and part = ${part} returning taken`);
    return { ...ctx, holds: { part, taken: rows[0]?.taken ?? 0 } };
  });
}

async function fencePart(tx: PoolClient, runNo: number, { part, taken }: { readonly part: number; readonly taken: number }): Promise<void> {
  // Held until the commit: who takes it waits so long.
  const found = await tx.query(sql`select from apply_part where run_no = ${runNo} and part = ${part} and taken = ${taken} for share`);
  if (found.rowCount === 0)
    throw new Failure(`part ${part} of run ${runNo} has been taken over by a newer attempt`, { kind: 'transient', code: 'PART_TAKEN_OVER' });
}
