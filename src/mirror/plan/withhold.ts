import type { PoolClient } from 'pg';
import { forecastCalls } from '../../domain/api-budget.ts';
import type { CapReason } from '../../ledger/waiting.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { countIntents } from './count-intents.ts';
import type { PlanContext } from './plan.ts';

export interface Withheld {
  /** Intents that wait for a later run. */
  readonly intents: number;
  /** Salesforce calls that the others take. */
  readonly forecast: number;
}

/**
 * Defers what this run will not send, once everything is planned: pairs beyond `limitWrites`, records beyond the push cap (R27), and beyond the API calls that are left if there is no waiting for more
 * (`callsLeft`; null: there is). Longest waiting first, then by id. Runs in the caller's transaction; a second time defers nothing more.
 */
export async function withhold(tx: PoolClient, ctx: PlanContext, callsLeft: number | null): Promise<Withheld> {
  let intents = await beyondLimit(tx, ctx);
  const allowed = await recordsAllowed(tx, ctx);
  let targets = await targetsByObject(tx, ctx);
  if (sum(targets) > allowed) {
    intents += await deferAfter(tx, ctx, allowed, 'pushCap');
    targets = await targetsByObject(tx, ctx);
  }
  if (callsLeft !== null && forecastOf(targets) > callsLeft) {
    intents += await deferAfter(tx, ctx, await mostWithin(tx, ctx, callsLeft, sum(targets)), 'apiBudget');
    targets = await targetsByObject(tx, ctx);
  }
  return { intents, forecast: forecastOf(targets) };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
const forecastOf = (targets: readonly number[]): number => sum(targets.map(forecastCalls));

/** The first n linked pairs of the run by Salesforce id, all objects together: accounts (001) come before contacts (003) and leads (00Q). */
async function beyondLimit(tx: PoolClient, { runNo, shape }: PlanContext): Promise<number> {
  const { limitWrites } = shape.settings;
  if (limitWrites === undefined) return 0;
  const last = await tx.query<{ crm_id: string }>(sql`
    select c.crm_id from crm_outcome o join crm_record c on c.object = o.object and c.rec = o.rec
     where o.run_no = ${runNo} and o.outcome = 'linked' order by c.crm_id offset ${Math.max(0, limitWrites - 1)} limit 1`);
  if (last.rows[0] === undefined) return 0;
  const lastId = limitWrites === 0 ? '' : last.rows[0].crm_id;
  return countIntents(
    tx,
    sql`
    update intent_set i set outcome = 'deferred', reason = 'limitWrites' from crm_record c
     where i.run_no = ${runNo} and i.outcome is null and c.object = i.object and c.rec = i.crm and c.crm_id > ${lastId}
    returning cardinality(i.mappings) as intents`,
  );
}

/** Records of Salesforce that the cap still allows: an earlier pass of the run may have sent some. */
async function recordsAllowed(tx: PoolClient, { runNo, shape }: PlanContext): Promise<number> {
  const { rows } = await tx.query<{ sent: number }>(sql`
    select coalesce(sum(records), 0)::bigint as sent from apply_part where run_no = ${runNo} and side = 'salesforce'`);
  return Math.max(0, shape.settings.caps.pushRecords - (rows[0]?.sent ?? 0));
}

/** How many records of each object of Salesforce are to be written. */
async function targetsByObject(tx: PoolClient, { runNo }: PlanContext): Promise<readonly number[]> {
  const { rows } = await tx.query<{ records: number }>(sql`
    select count(distinct target_id) as records from intent_set where run_no = ${runNo} and side = 'salesforce' and outcome is null group by target_object`);
  return rows.map(({ records }) => records);
}

/** Records that are to be written, in the order in which they go: `object`, `id`, `rank` from 1. */
const ranked = (runNo: number) =>
  raw(`
  select t.object, t.id, row_number() over (order by w.since_run nulls last, t.id, t.object) as rank
    from (select distinct target_object as object, target_id as id from intent_set where run_no = ${runNo} and side = 'salesforce' and outcome is null) t
    left join waiting w on w.object = t.object and w.rec_id = t.id`);

async function deferAfter(tx: PoolClient, { runNo }: PlanContext, records: number, reason: CapReason): Promise<number> {
  return countIntents(
    tx,
    sql`
    update intent_set i set outcome = 'deferred', reason = ${reason} from (${ranked(runNo)}) r
     where r.rank > ${records} and i.run_no = ${runNo} and i.side = 'salesforce' and i.outcome is null and i.target_object = r.object and i.target_id = r.id
    returning cardinality(i.mappings) as intents`,
  );
}

/** The most records, in their order, that so many calls write. */
async function mostWithin(tx: PoolClient, { runNo }: PlanContext, calls: number, records: number): Promise<number> {
  let [low, high] = [0, records];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const { rows } = await tx.query<{ records: number }>(
      sql`select count(*) as records from (${ranked(runNo)}) r where r.rank <= ${middle} group by r.object`,
    );
    if (forecastOf(rows.map((row) => row.records)) <= calls) low = middle;
    else high = middle - 1;
  }
  return low;
}
