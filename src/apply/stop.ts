import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';

/** The error for which the run writes nothing more to the org; null while there was none. Every part asks before it sends: what is full for one record is full for all. */
export async function stoppedBy(database: Queryable, runNo: number): Promise<string | null> {
  const { rows } = await database.query<{ code: string }>(sql`
    select stopped_by as code from apply_part where run_no = ${runNo} and stopped_by is not null order by part limit 1`);
  return rows[0]?.code ?? null;
}

/** In the transaction that keeps the answer which said so. */
export async function noteStop(tx: Queryable, ctx: ApplyContext, part: ApplyPart, code: string | null): Promise<void> {
  await tx.query(sql`update apply_part set stopped_by = ${code} where run_no = ${ctx.runNo} and part = ${part.part}`);
}
