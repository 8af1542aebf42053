import { Failure } from '../domain/failure.ts';
import { intentOutcomes } from '../domain/report.ts';
import type { IntentCounts, IntentOutcome } from '../domain/report.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** What became of the run's intents, for report.json. Throws INTENTS_OPEN if one has no outcome yet: then the sums do not add up (R26). */
export async function intentCounts(database: Queryable, runNo: number): Promise<IntentCounts> {
  const { rows } = await database.query<{ side: keyof IntentCounts; outcome: IntentOutcome | null; count: number }>(sql`
    select side, outcome, sum(cardinality(mappings))::bigint as count from intent_set where run_no = ${runNo} group by side, outcome`);
  const open = rows.filter(({ outcome }) => outcome === null).reduce((sum, { count }) => sum + count, 0);
  if (open > 0) throw new Failure(`${open} intents of run ${runNo} have no outcome`, { kind: 'permanent', code: 'INTENTS_OPEN' });
  const of = (side: keyof IntentCounts): Record<IntentOutcome, number> =>
    Object.fromEntries(
      intentOutcomes.map((outcome) => [outcome, rows.find((row) => row.side === side && row.outcome === outcome)?.count ?? 0]),
    ) as Record<IntentOutcome, number>;
  return { personalization: of('personalization'), salesforce: of('salesforce') };
}
