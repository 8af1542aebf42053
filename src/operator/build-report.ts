import { stoppedBy } from '../apply/stop.ts';
import { Failure } from '../domain/failure.ts';
import { guardSentence } from '../domain/guards.ts';
import type { PlanSummary } from '../domain/guards.ts';
import { objectTypes } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { steps } from '../domain/progress.ts';
import type { RunStatus, Step } from '../domain/progress.ts';
import { intentOutcomes, linkingSubTiers, outcomes } from '../domain/report.ts';
import type { ObjectReport, Report, StepReport } from '../domain/report.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { leftUndone, unconfirmedWrites, withheldByCaps } from '../ledger/waiting.ts';
import type { UndoneReason } from '../ledger/waiting.ts';
import { incompleteReads, readsOf } from '../mirror/reads.ts';
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { errorTable, ruleOf } from '../salesforce/errorTable.ts';
import { intentCounts } from './intent-counts.ts';
import { checkSums, matchCounts } from './match-counts.ts';
import { restingPinWarnings } from './resting-pins.ts';

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}

/** An object that took no part. */
const nothing: ObjectReport = {
  fetched: { salesforce: 0, personalization: 0 },
  outcomes: zeros(outcomes),
  linkedBy: zeros(linkingSubTiers),
  kept: 0,
  drifted: 0,
  nearMisses: 0,
  malformedIds: 0,
  persons: { linked: 0, unmatched: 0, stopped: 0, held: 0 },
};

/** The report of a run as the mirror and the ledger have it now. Objects whose match did not end are left at zero. */
export async function buildReport(database: Database, run: OpenRun): Promise<Omit<Report, 'status'>> {
  const finished = await database.query<{ object: ObjectType }>(sql`
    select object from step_ledger where run_no = ${run.runNo} and step = 'match.finish'`);
  const matched = new Set(finished.rows.map(({ object }) => object));
  const objects = {} as Record<ObjectType, ObjectReport>;
  for (const object of objectTypes) {
    if (!matched.has(object)) objects[object] = nothing;
    else {
      objects[object] = await matchCounts(database, run.runNo, object);
      checkSums(object, objects[object]);
    }
  }
  const facts = await database.query<{ started: string; finished: string; calls: number; budget: number; leads: boolean }>(sql`
    select to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as started, to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as finished,
      api_calls as calls, api_budget as budget, leads from run where run = ${run.run}`);
  const row = facts.rows[0];
  if (row === undefined) throw new Failure(`run ${run.run} is not in the ledger`, { kind: 'permanent', code: 'RUN_UNKNOWN' });
  const incomplete = await incompleteReads(database, run.runNo);
  const plans = await finishedPlans(database, run.runNo);
  const inScope = incomplete.filter(({ object }) => object !== 'lead' || row.leads);
  const stopped = await stoppedBy(database, run.runNo);
  const guards = plans.flatMap((plan) => plan.guards).filter(({ trips }) => trips);
  return {
    run: run.run,
    startedAt: row.started,
    finishedAt: row.finished,
    leadsEnabled: row.leads,
    objects,
    intents: await intentCounts(database, run.runNo),
    apiCalls: { used: row.calls, budget: row.budget, forecast: plans.reduce((sum, { apiCalls }) => sum + apiCalls.forecast, 0) },
    steps: await stepReports(database, run.runNo),
    incomplete: inScope,
    guards,
    warnings: [
      ...inScope.map(({ object, code }) => `${object} was not read completely: ${sentenceOf(code)}`),
      ...(stopped === null ? [] : [`writing to Salesforce was stopped: ${sentenceOf(stopped)}`]),
      ...warningsOf(run),
      ...(await restingPinWarnings(database, run, [...matched])),
      ...guards.map(guardSentence),
      ...capWarnings(run, await withheldByCaps(database, run.runNo)),
      ...undoneWarnings(await leftUndone(database, run.runNo)),
      ...unconfirmedWarnings(await unconfirmedWrites(database, run.runNo)),
    ],
  };
}

/** What an error means, and what to do about it. */
function sentenceOf(code: string): string {
  if (!Object.hasOwn(errorTable, code)) return `${code}; the next run reads it, the worker's log has more`;
  const { says, remedy } = ruleOf(code);
  return `${says} (${code}). ${remedy ?? 'The next run tries again.'}`;
}

async function stepReports(database: Database, runNo: number): Promise<readonly StepReport[]> {
  const found = await database.query<{ step: Step; object: string; records: number; ms: number }>(sql`
    select split_part(step, '.', 1) as step, object, sum((counts->>'records')::bigint) filter (where step <> 'fetch.absorb')::bigint as records,
      round(extract(epoch from max(done_at) - min(done_at - make_interval(secs => coalesce((counts->>'ms')::numeric, 0) / 1000.0))) * 1000)::bigint as ms
     from step_ledger where run_no = ${runNo} and split_part(step, '.', 1) = any(${steps}) group by 1, 2`);
  const reads = new Map<string, Pick<StepReport, 'read' | 'reason' | 'missed'>>();
  for (const { object, mode, reason, missed } of await readsOf(database, runNo))
    reads.set(object, { read: mode, ...(reason === null ? {} : { reason }), ...(missed === null ? {} : { missed }) });
  const order = (step: Step): number => steps.indexOf(step);
  return found.rows
    .map(({ step, object, records, ms }) => ({ step, object, records: records ?? 0, ms, ...(step === 'fetch' ? reads.get(object) : {}) }))
    .toSorted((a, b) => order(a.step) - order(b.step) || (a.object < b.object ? -1 : 1));
}

/** What the run's plans would do, and what their guards found: one a pass. */
async function finishedPlans(database: Database, runNo: number): Promise<readonly PlanSummary[]> {
  const found = await database.query<{ plan: string }>(sql`
    select counts ->> 'plan' as plan from step_ledger where run_no = ${runNo} and step = 'plan.finish' order by part`);
  return found.rows.map(({ plan }) => JSON.parse(plan) as PlanSummary);
}

/** R27: what waits for the next run. */
function capWarnings({ shape }: OpenRun, withheld: Awaited<ReturnType<typeof withheldByCaps>>): readonly string[] {
  const caps = { pushCap: `caps.pushRecords (${shape.settings.caps.pushRecords}) is reached`, apiBudget: 'salesforce.apiBudget is spent' } as const;
  return withheld.map(({ reason, records, intents }) => `${caps[reason]}: ${intents} writes to ${records} records wait for the next run`);
}

function undoneWarnings(undone: Awaited<ReturnType<typeof leftUndone>>): readonly string[] {
  const sentences = {
    abortedInSalesforce: 'somebody aborted a Bulk job in Salesforce',
    dailyBatches: "no result of a Bulk job names some of its rows, as when the org's daily batches are used up",
    unprocessed: 'Salesforce left rows of three Bulk jobs in a row unprocessed',
  } as const satisfies Record<UndoneReason, string>;
  return undone.map(({ reason, records, intents }) => `${sentences[reason]}: ${intents} writes to ${records} records wait for the next run`);
}

function unconfirmedWarnings({ intents, records }: Awaited<ReturnType<typeof unconfirmedWrites>>): readonly string[] {
  return intents === 0 ? [] : [`${intents} writes to ${records} records may have been sent; the next run reads what came of them`];
}

/** R11: an object without a configured match field keeps tier 3, and the report says so. */
function warningsOf({ shape, leads }: OpenRun): readonly string[] {
  return objectTypes
    .filter((object) => object !== 'lead' || leads)
    .filter((object) => shape.settings.objects[object].onlyDesignatedMatchFields && shape.settings.objects[object].matchFields.length === 0)
    .map((object) => `objects.${object}.onlyDesignatedMatchFields is on, but no match field is configured: e-mail and name still match`);
}

/** How a run that went through ended: `partial` if an object was not read completely (R27), or more intents were rejected than the guard allows. Throws if the sums do not add up (R26). */
export function statusOf(report: Omit<Report, 'status'>, rejectedShare: number): RunStatus {
  const sums = Object.values(report.intents);
  const rejected = sums.reduce((sum, side) => sum + side.rejected, 0);
  const all = sums.reduce((sum, side) => sum + intentOutcomes.reduce((inner, outcome) => inner + side[outcome], 0), 0);
  return report.incomplete.length > 0 || (all > 0 && rejected / all > rejectedShare) ? 'partial' : 'success';
}
