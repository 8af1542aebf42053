import type { PoolClient } from 'pg';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { OpenRun } from './runs.ts';

/** Reasons of intents that a cap kept from being sent: the run is `partial`, the records go first in the next one (R27). */
export const capReasons = ['pushCap', 'apiBudget'] as const;
export type CapReason = (typeof capReasons)[number];

/**
 * Keeps which records wait for a later run, and since when: of those that waited already the first run counts. What was sent, or need not be any more, waits no longer. A
 * repeat changes nothing.
 */
export async function noteWaiting(tx: PoolClient, { runNo, leads }: Pick<OpenRun, 'runNo' | 'leads'>): Promise<void> {
  await tx.query(sql`
    insert into waiting (object, rec_id, since_run)
    select distinct target_object, target_id, ${runNo}::bigint from intent_set
     where run_no = ${runNo} and side = 'salesforce' and outcome = 'deferred' and reason = any(${capReasons})
    on conflict (object, rec_id) do nothing`);
  await tx.query(sql`
    delete from waiting w
     where (w.object <> 'Lead' or ${leads}) and not exists (
       select from intent_set i where i.run_no = ${runNo} and i.side = 'salesforce' and i.target_object = w.object and i.target_id = w.rec_id
          and i.outcome = 'deferred' and i.reason = any(${capReasons}))`);
}

/** Deferred writes to Salesforce, and the records they would have gone to. */
interface DeferredWrites<Reason extends string> {
  readonly reason: Reason;
  readonly intents: number;
  readonly records: number;
}

/** Intents of a run that a cap withheld, by the cap. */
export async function withheldByCaps(database: Queryable, runNo: number): Promise<readonly DeferredWrites<CapReason>[]> {
  return deferredFor(database, runNo, capReasons);
}

/** Writes of a run that may have been sent: nobody looked at what came of them. */
export async function unconfirmedWrites(database: Queryable, runNo: number): Promise<Omit<DeferredWrites<'unconfirmed'>, 'reason'>> {
  const [found] = await deferredFor(database, runNo, ['unconfirmed']);
  return found ?? { intents: 0, records: 0 };
}

/** Reasons of intents whose Bulk jobs Salesforce, or somebody there, left undone: the run is `partial`, the next one sends them. */
export const undoneReasons = ['abortedInSalesforce', 'dailyBatches', 'unprocessed'] as const;
export type UndoneReason = (typeof undoneReasons)[number];

/** Intents of a run that Bulk jobs left undone, by the reason. */
export async function leftUndone(database: Queryable, runNo: number): Promise<readonly DeferredWrites<UndoneReason>[]> {
  return deferredFor(database, runNo, undoneReasons);
}

async function deferredFor<Reason extends string>(
  database: Queryable,
  runNo: number,
  reasons: readonly Reason[],
): Promise<readonly DeferredWrites<Reason>[]> {
  const { rows } = await database.query<DeferredWrites<Reason>>(sql`
    select reason, sum(cardinality(mappings))::bigint as intents, count(distinct (target_object, target_id)) as records from intent_set
     where run_no = ${runNo} and side = 'salesforce' and outcome = 'deferred' and reason = any(${reasons}) group by reason order by reason`);
  return rows;
}
