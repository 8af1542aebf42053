import { Failure } from '../domain/failure.ts';
import type { RunKind, RunStatus } from '../domain/progress.ts';
import { intentOutcomes, linkingSubTiers, outcomes } from '../domain/report.ts';
import type { ObjectReport, Report } from '../domain/report.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';

/** One run as the ledger keeps it. */
export interface RunSummary {
  readonly run: string;
  /** Counts the runs of this sync, from 1. */
  readonly runNo: number;
  readonly kind: RunKind;
  readonly status: RunStatus | 'running' | 'awaitingApproval';
  readonly leads: boolean;
  /** ISO instants. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly planDigest: string | null;
  /** Null while the run is open. */
  readonly report: Report | null;
}

const iso = raw(`'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`);
const columns = raw(`run, run_no as "runNo", kind, status, leads, to_char(started_at, ${iso.fragment}) as "startedAt",
  to_char(finished_at, ${iso.fragment}) as "finishedAt", plan_digest as "planDigest", report`);

/** PostgreSQL keeps the keys of a jsonb in an order of its own; people read them in ours. */
function inOrder<T extends object>(value: T, keys: readonly (keyof T)[]): T {
  const first = Object.fromEntries(keys.filter((key) => key in value).map((key) => [key, value[key]]));
  return { ...first, ...value };
}

function objectInOrder(object: ObjectReport): ObjectReport {
  const ordered = inOrder(object, ['fetched', 'outcomes', 'linkedBy', 'kept', 'drifted', 'nearMisses', 'malformedIds', 'persons']);
  return {
    ...ordered,
    fetched: inOrder(object.fetched, ['salesforce', 'personalization']),
    outcomes: inOrder(object.outcomes, outcomes),
    linkedBy: inOrder(object.linkedBy, linkingSubTiers),
    persons: inOrder(object.persons, ['linked', 'unmatched', 'stopped', 'held']),
  };
}

function reportInOrder(report: Report): Report {
  const { contact, account, lead } = report.objects;
  const { personalization, salesforce } = report.intents;
  return {
    ...inOrder(report, ['run', 'status', 'startedAt', 'finishedAt', 'leadsEnabled', 'objects', 'intents', 'apiCalls', 'steps', 'guards', 'warnings']),
    objects: { contact: objectInOrder(contact), account: objectInOrder(account), lead: objectInOrder(lead) },
    intents: { personalization: inOrder(personalization, intentOutcomes), salesforce: inOrder(salesforce, intentOutcomes) },
    apiCalls: inOrder(report.apiCalls, ['used', 'budget', 'forecast']),
    steps: report.steps.map((step) => inOrder(step, ['step', 'object', 'records', 'ms'])),
  };
}

function summaryOf(row: RunSummary): RunSummary {
  return { ...row, report: row.report === null ? null : reportInOrder(row.report) };
}

/** Newest first. */
export async function listRuns(database: Queryable, limit: number): Promise<readonly RunSummary[]> {
  const found = await database.query<RunSummary>(sql`select ${columns} from run order by run_no desc limit ${limit}`);
  return found.rows.map(summaryOf);
}

export async function runByKey(database: Queryable, run: string): Promise<RunSummary | undefined> {
  const found = await database.query<RunSummary>(sql`select ${columns} from run where run = ${run}`);
  const row = found.rows[0];
  return row === undefined ? undefined : summaryOf(row);
}

/**
 * The run that somebody names by its key or the beginning of it; unnamed, the newest that has ended.
 * @throws Failure `RUN_UNKNOWN`, `RUN_UNCLEAR`
 */
export async function findRun(database: Queryable, named: string | undefined): Promise<RunSummary> {
  if (named === undefined) {
    const found = await database.query<RunSummary>(sql`select ${columns} from run where finished_at is not null order by run_no desc limit 1`);
    const newest = found.rows[0];
    if (newest !== undefined) return summaryOf(newest);
    throw new Failure('no run has ended yet', {
      kind: 'permanent',
      code: 'RUN_UNKNOWN',
      remedy: 'Start one with `crm-sync run --wait`, or see how one goes on with `crm-sync status`.',
    });
  }
  const found = await database.query<RunSummary>(sql`
    select ${columns} from run where starts_with(run, ${named}) order by (run = ${named}) desc, run_no desc limit 2`);
  const [first, second] = found.rows;
  if (first === undefined)
    throw new Failure(`there is no run ${named}`, { kind: 'permanent', code: 'RUN_UNKNOWN', exitCode: 2, remedy: '`crm-sync runs` lists them.' });
  if (first.run !== named && second !== undefined)
    throw new Failure(`several runs begin with ${named}`, {
      kind: 'permanent',
      code: 'RUN_UNCLEAR',
      exitCode: 2,
      remedy: 'Give more of the key; `crm-sync runs` lists them.',
    });
  return summaryOf(first);
}

/** Whether records and intents of a run can still be listed: they go after `retention.intentsDays` and with the mirror, and a run that ended early has none. */
export async function keepsWhatItFound(database: Queryable, runNo: number): Promise<boolean> {
  const { rows } = await database.query<{ kept: boolean }>(sql`select to_regclass('intent_set_r' || ${runNo}::bigint) is not null as kept`);
  return rows[0]?.kept ?? false;
}
