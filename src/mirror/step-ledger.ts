import type { PoolClient } from 'pg';
import type { ObjectType } from '../domain/objects.ts';
import { fence } from '../ledger/runs.ts';
import type { OpenRun, RunRef } from '../ledger/runs.ts';
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** What a part of a step did. `records` is what the report counts under `steps`. */
export interface StepCounts {
  readonly records: number;
  readonly [name: string]: number | string | boolean | null | readonly string[];
}

export interface StepPart {
  /** `fetch.page`, `match.settle`, ...: what comes before the point is the step of the report. */
  readonly step: string;
  readonly object: ObjectType | 'users' | 'accounts' | 'all';
  readonly part: number;
}

/** Tells these locks from others of the database. */
const lockOfSteps = 7_140_211;

/**
 * Does one part of a step once: its effect and its row in the step ledger commit together, behind the fence. A repeat finds
 * the row, does nothing and returns the counts of the first time. One that comes while the first is still at work (its worker was paused, or its heartbeat was lost) waits for its end.
 */
export async function once<C extends StepCounts>(
  database: Database,
  ref: RunRef,
  { step, object, part }: StepPart,
  body: (tx: PoolClient, run: OpenRun) => Promise<C>,
  signal?: AbortSignal,
): Promise<C> {
  return database.transaction(async (tx) => {
    const begun = performance.now();
    const run = await fence(tx, ref);
    await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${`${run.run} ${step} ${object} ${part}`}, ${lockOfSteps}))`);
    const done = await tx.query<{ counts: C }>(sql`
      select counts from step_ledger where run_no = ${run.runNo} and step = ${step} and object = ${object} and part = ${part}`);
    const stored = done.rows[0];
    if (stored !== undefined) return stored.counts;
    const counts = await body(tx, run);
    await tx.query(sql`
      insert into step_ledger (run_no, step, object, part, counts)
      values (${run.runNo}, ${step}, ${object}, ${part}, ${JSON.stringify({ ms: Math.round(performance.now() - begun), ...counts })})`);
    return counts;
  }, signal);
}

/** Forgets that parts of these steps, the words before the point, were done of some objects: they are done anew. */
export async function forgetSteps(tx: PoolClient, runNo: number, steps: readonly string[], objects: readonly ObjectType[]): Promise<void> {
  await tx.query(sql`
    delete from step_ledger where run_no = ${runNo} and split_part(step, '.', 1) = any(${steps}) and object = any(${objects})`);
}
