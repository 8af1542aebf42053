import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { errorTable } from '../salesforce/errorTable.ts';

const stopCodes: readonly string[] = Object.entries(errorTable).flatMap(([code, rule]) => (rule.class === 'stop' ? [code] : []));

/** The error for which the run writes nothing more to the org; null while there was none. Every part asks before it sends: what is full for one record is full for all. */
export async function stoppedBy(database: Queryable, runNo: number): Promise<string | null> {
  const { rows } = await database.query<{ code: string }>(sql`
    select code from intent_set where run_no = ${runNo} and side = 'salesforce' and outcome = 'deferred' and code = any(${stopCodes}::text[]) limit 1`);
  return rows[0]?.code ?? null;
}
