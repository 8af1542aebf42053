import type { PoolClient } from 'pg';
import { withHashJoins } from '../mirror/hash-joins.ts';
import { sql } from '../postgres/sql.ts';
import { ruleOf } from '../salesforce/errorTable.ts';
import type { ErrorClass } from '../salesforce/errorTable.ts';
import type { RowResult } from '../salesforce/side.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';
import { noteStop } from './stop.ts';

/** What a refused record comes to, by the class of its error: `again` is sent again in a smaller chunk, `stop` ends the part. */
const outcomeOfClass = {
  lock: 'again',
  transient: 'again',
  limited: 'again',
  throttled: 'again',
  collateral: 'again',
  conflict: 'again',
  budget: 'again',
  defer: 'deferred',
  stop: 'stop',
  auth: 'rejected',
  fatal: 'rejected',
  reshape: 'rejected',
  restart: 'rejected',
  resync: 'rejected',
  rowGone: 'rejected',
  reroute: 'rejected',
  rowTerminal: 'rejected',
} as const satisfies Record<ErrorClass, 'again' | 'rejected' | 'deferred' | 'stop'>;

/** One record's result as it is kept; `again`: planned as before. */
export interface RowOutcome {
  readonly id: string;
  readonly outcome: 'applied' | 'rejected' | 'deferred' | 'again' | 'stop';
  readonly code: string | null;
  readonly reason: string | null;
}

export function rowOutcome(id: string, result: RowResult): RowOutcome {
  if (result.ok) return { id, outcome: 'applied', code: null, reason: null };
  return { id, outcome: outcomeOfClass[ruleOf(result.code).class], code: result.code, reason: result.message };
}

/** Keeps the results of records: all fields of a record share its fate. `again` is planned once more, `stop` is deferred. */
export async function keepRowOutcomes(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, rows: readonly RowOutcome[]): Promise<void> {
  const decided = (row: RowOutcome): string | null => (row.outcome === 'again' ? null : row.outcome === 'stop' ? 'deferred' : row.outcome);
  await withHashJoins(tx, () =>
    tx.query(sql`
    update intent_set i set outcome = r.outcome, code = r.code, reason = r.reason, sending = false
      from unnest(${rows.map(({ id }) => id)}::text[], ${rows.map(decided)}::text[], ${rows.map((row) => (row.outcome === 'again' ? null : row.code))}::text[],
        ${rows.map((row) => (row.outcome === 'again' ? null : row.reason))}::text[]) as r(id, outcome, code, reason)
     where i.run_no = ${ctx.runNo} and i.side = 'salesforce' and i.object = ${part.object} and i.part = ${part.chunk} and i.outcome is null
       and i.target_id = r.id`),
  );
  const stop = rows.find(({ outcome }) => outcome === 'stop');
  if (stop !== undefined) await noteStop(tx, ctx, part, stop.code);
}

/** Ends what is left of a part. Intents that may have been sent are left for their verification. */
export async function deferPlanned(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, code: string | null, reason: string): Promise<void> {
  await tx.query(sql`
    update intent_set set outcome = 'deferred', code = ${code}, reason = ${reason}
     where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null and not sending`);
}
