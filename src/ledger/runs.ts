import { Failure } from '../domain/failure.ts';
import type { RunKind, RunStatus } from '../domain/progress.ts';
import type { RunShape } from '../mirror/run-shape.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** Names one attempt at one run: what every activity carries and every transaction checks (the fence). */
export interface RunRef {
  readonly run: string;
  readonly attempt: number;
}

export interface OpenRun extends RunRef {
  readonly runNo: number;
  readonly kind: RunKind;
  readonly shape: RunShape;
  /** Decisions up to this one count in the run's match. */
  readonly decisionSeq: number;
  readonly leads: boolean;
}

/** One attempt at opening a run, of one execution of its workflow. */
export interface Opener {
  readonly execution: string;
  readonly attempt: number;
  /** When it was asked for, by the engine's clock; the same for each attempt. */
  readonly askedAtMs: number;
}

export interface RunToOpen {
  readonly run: string;
  readonly kind: RunKind;
  readonly workflowId: string;
  readonly shape: RunShape;
  readonly settingsHash: string;
  readonly leads: boolean;
  /** What it may use of the org's daily requests, and what it leaves of them. */
  readonly apiBudget: number;
  readonly apiReserve?: number;
  readonly opener?: Opener;
}

interface RunRow {
  readonly run: string;
  readonly run_no: number;
  readonly attempt: number;
  readonly kind: RunKind;
  readonly settings: RunShape;
  readonly decision_seq: number;
  readonly leads: boolean;
}

function openRunOf(row: RunRow): OpenRun {
  const { run, attempt, kind, leads } = row;
  return { run, attempt, kind, leads, runNo: row.run_no, shape: row.settings, decisionSeq: row.decision_seq };
}

/**
 * Takes an open run up again under a new attempt: what the older one still does is fenced off. Undefined if no run of this key is open, or if a later attempt of the same opener has it: one that was paused does not take
 * it away from the one that counts.
 */
export async function takeUpAgain(tx: Queryable, run: string, opener?: Opener): Promise<OpenRun | undefined> {
  const found = await tx.query<RunRow>(sql`
    update run set attempt = attempt + 1, opened_by = ${opener?.execution ?? null}, opened_attempt = ${opener?.attempt ?? null},
      opening_asked_at = ${askedAt(opener)}
     where run = ${run} and finished_at is null and (opened_by = ${opener?.execution ?? null} and opened_attempt > ${opener?.attempt ?? null}) is not true
    returning run, run_no, attempt, kind, settings, decision_seq, leads`);
  const row = found.rows[0];
  return row === undefined ? undefined : openRunOf(row);
}

/**
 * Opens a run, or takes it up again under a new attempt if it is open already. A run of another key that is still open was abandoned, since the
 * workflow id is the lock: it is closed as `failed`. Throws `RUN_CLOSED` for a key whose run has ended, and if the other one was asked for later: then it is this opener, paused and woken up, that was abandoned.
 */
export async function openRun(tx: Queryable, wanted: RunToOpen): Promise<OpenRun> {
  const askedAtIso = askedAt(wanted.opener);
  const open = await tx.query<{ later: boolean }>(sql`
    select coalesce(run <> ${wanted.run} and opening_asked_at > ${askedAtIso}::timestamptz, false) as later from run where finished_at is null for update`);
  if (open.rows[0]?.later === true) throw runClosed(wanted.run);
  await tx.query(sql`
    update run set status = 'failed', finished_at = now() where finished_at is null and run <> ${wanted.run}`);
  const opened = await tx.query<RunRow>(sql`
    insert into run (run, kind, status, workflow_id, settings, settings_hash, decision_seq, leads, api_budget, api_reserve, opened_by, opened_attempt, opening_asked_at)
    values (${wanted.run}, ${wanted.kind}, 'running', ${wanted.workflowId}, ${JSON.stringify(wanted.shape)}, ${wanted.settingsHash},
      coalesce((select max(seq) from decision), 0), ${wanted.leads}, ${wanted.apiBudget}, ${wanted.apiReserve ?? 0},
      ${wanted.opener?.execution ?? null}, ${wanted.opener?.attempt ?? null}, ${askedAtIso})
    on conflict (run) do update set attempt = run.attempt + 1, opened_by = excluded.opened_by, opened_attempt = excluded.opened_attempt, opening_asked_at = excluded.opening_asked_at
     where run.finished_at is null and (run.opened_by = excluded.opened_by and run.opened_attempt > excluded.opened_attempt) is not true
    returning run, run_no, attempt, kind, settings, decision_seq, leads`);
  const row = opened.rows[0];
  if (row === undefined) throw runClosed(wanted.run);
  return openRunOf(row);
}

function askedAt(opener: Opener | undefined): string | null {
  return opener === undefined ? null : new Date(opener.askedAtMs).toISOString();
}

function runClosed(run: string): Failure {
  return new Failure(`run ${run} is not open, or a newer attempt has taken it over`, {
    kind: 'permanent',
    code: 'RUN_CLOSED',
    remedy: 'A run that has ended is not repeated: start a new one (`crm-sync run`); it goes on from what is there.',
  });
}

/**
 * The fence: throws `RUN_CLOSED` unless this attempt is the newest of an open run. Opening and closing take the row `for update`, so both are held
 * off until the transaction ends; counts and status are ordinary updates and are not.
 */
export async function fence(tx: Queryable, ref: RunRef): Promise<OpenRun> {
  const found = await tx.query<RunRow>(sql`
    select run, run_no, attempt, kind, settings, decision_seq, leads from run
     where run = ${ref.run} and attempt = ${ref.attempt} and finished_at is null for key share`);
  const row = found.rows[0];
  if (row === undefined) throw runClosed(ref.run);
  return openRunOf(row);
}

/** An open run without holding it. */
export async function loadRun(database: Queryable, ref: RunRef): Promise<OpenRun> {
  const run = await stillOpen(database, ref);
  if (run === undefined) throw runClosed(ref.run);
  return run;
}

/** The same, undefined if it is closed, or open under a newer attempt. */
export async function stillOpen(database: Queryable, ref: RunRef): Promise<OpenRun | undefined> {
  const found = await database.query<RunRow>(sql`
    select run, run_no, attempt, kind, settings, decision_seq, leads from run
     where run = ${ref.run} and attempt = ${ref.attempt} and finished_at is null`);
  const row = found.rows[0];
  return row === undefined ? undefined : openRunOf(row);
}

/** How a run ended that this attempt closed: what a repeat of closing it answers. Undefined if it is open. */
export async function closedAs(database: Queryable, ref: RunRef): Promise<{ readonly status: RunStatus; readonly shape: RunShape } | undefined> {
  const found = await database.query<{ status: RunStatus; shape: RunShape }>(sql`
    select status, settings as shape from run where run = ${ref.run} and attempt = ${ref.attempt} and finished_at is not null`);
  return found.rows[0];
}

/** Whether leads are in the run's scope (R16). */
export async function setLeads(tx: Queryable, ref: RunRef, leads: boolean): Promise<void> {
  await tx.query(sql`update run set leads = ${leads} where run = ${ref.run} and finished_at is null`);
}

export async function setRunStatus(tx: Queryable, ref: RunRef, status: 'running' | 'awaitingApproval', planDigest: string | null): Promise<void> {
  await tx.query(
    sql`update run set status = ${status}, plan_digest = coalesce(${planDigest}, plan_digest) where run = ${ref.run} and finished_at is null`,
  );
}

/** From here on the run has written: an approval of the first run is never asked for again. */
export async function noteLinksCommitted(tx: Queryable, ref: RunRef): Promise<void> {
  await tx.query(sql`update run set links_committed_at = coalesce(links_committed_at, now()), status = 'running' where run = ${ref.run}`);
}

export async function addApiCalls(database: Queryable, ref: RunRef, calls: number): Promise<void> {
  if (calls > 0) await database.query(sql`update run set api_calls = api_calls + ${calls} where run = ${ref.run}`);
}

/** Closes the run with its report; a repeat finds it closed and changes nothing. */
export async function closeRun(tx: Queryable, run: string, status: RunStatus, report: unknown): Promise<void> {
  await tx.query(sql`select from run where run = ${run} for update`);
  await tx.query(sql`
    update run set status = ${status}, finished_at = now(), report = ${JSON.stringify(report)} where run = ${run} and finished_at is null`);
}

/** Opens a run again that closed a moment before leads were switched on for it (R16). */
export async function reopenRun(tx: Queryable, ref: RunRef): Promise<void> {
  await tx.query(sql`update run set status = 'running', finished_at = null where run = ${ref.run} and attempt = ${ref.attempt}`);
}

/** Whether a run has ever written: before it, `approval: firstRun` asks. */
export async function everApplied(database: Queryable): Promise<boolean> {
  const found = await database.query(sql`select from run where links_committed_at is not null limit 1`);
  return found.rowCount !== 0;
}
