import { Failure } from '../domain/failure.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';

export type WriteJobState = 'reserved' | 'open' | 'submitted' | 'sending' | 'done' | 'abandoned';

/** A Bulk job and how far it has come. */
export interface WriteJob {
  readonly jobNo: number;
  readonly run: string;
  /** Salesforce's name of the object. */
  readonly object: string;
  readonly part: number;
  readonly attempt: number;
  readonly state: WriteJobState;
  readonly sfJobId: string | null;
  readonly rowsSent: number;
}

const columns = raw('job_no as "jobNo", run, object, part, attempt, state, sf_job_id as "sfJobId", rows_sent as "rowsSent"');

/** Reserves the part's job, or takes the live one over under a new attempt: whoever held it before finds out at its next step. */
export async function reserveJob(
  tx: Queryable,
  wanted: { readonly run: string; readonly object: string; readonly part: number; readonly apiVersion: string },
): Promise<WriteJob> {
  const { rows } = await tx.query<WriteJob>(sql`
    insert into write_job (run, object, part, path, columns, api_version)
    values (${wanted.run}, ${wanted.object}, ${wanted.part}, 'bulk', '{}', ${wanted.apiVersion})
    on conflict (run, object, part) where state not in ('done', 'abandoned')
      do update set attempt = write_job.attempt + 1, state = 'reserved', sf_job_id = null
    returning ${columns}`);
  return rows[0] as WriteJob;
}

export async function liveJob(database: Queryable, run: string, object: string, part: number): Promise<WriteJob | null> {
  const { rows } = await database.query<WriteJob>(sql`
    select ${columns} from write_job where run = ${run} and object = ${object} and part = ${part} and state not in ('done', 'abandoned')`);
  return rows[0] ?? null;
}

/** @throws {Failure} JOB_UNKNOWN */
export async function loadJob(database: Queryable, jobNo: number): Promise<WriteJob> {
  const { rows } = await database.query<WriteJob>(sql`select ${columns} from write_job where job_no = ${jobNo}`);
  const job = rows[0];
  if (job === undefined) throw new Failure(`the ledger has no write job ${jobNo}`, { kind: 'permanent', code: 'JOB_UNKNOWN' });
  return job;
}

/** How many jobs of the part have ended. */
export async function endedJobs(database: Queryable, run: string, object: string, part: number): Promise<number> {
  const { rows } = await database.query<{ ended: number }>(sql`
    select count(*) as ended from write_job where run = ${run} and object = ${object} and part = ${part} and state in ('done', 'abandoned')`);
  return rows[0]?.ended ?? 0;
}

/** Transient: a paused attempt that wakes up late can take the job from the one that counts, which then begins again. */
function takenOver(jobNo: number): Failure {
  return new Failure(`write job ${jobNo} has been taken over by a newer attempt`, { kind: 'transient', code: 'JOB_TAKEN_OVER' });
}

/** Salesforce's job id and what will be uploaded. @throws {Failure} JOB_TAKEN_OVER */
export async function noteOpened(
  tx: Queryable,
  { jobNo, attempt }: WriteJob,
  opened: { readonly sfJobId: string; readonly columns: readonly string[]; readonly rowsSent: number; readonly sha256: string },
): Promise<void> {
  const updated = await tx.query(sql`
    update write_job set state = 'open', sf_job_id = ${opened.sfJobId}, columns = ${opened.columns}, rows_sent = ${opened.rowsSent}, csv_sha256 = ${opened.sha256}, opened_at = now()
     where job_no = ${jobNo} and attempt = ${attempt} and state = 'reserved'`);
  if (updated.rowCount === 0) throw takenOver(jobNo);
}

/** The content is there; from here on Salesforce may process it at any moment. @throws {Failure} JOB_TAKEN_OVER */
export async function noteSubmitted(tx: Queryable, { jobNo, attempt }: WriteJob): Promise<void> {
  const updated = await tx.query(sql`update write_job set state = 'submitted' where job_no = ${jobNo} and attempt = ${attempt} and state = 'open'`);
  if (updated.rowCount === 0) throw takenOver(jobNo);
}

export interface JobCounts {
  readonly ok: number;
  readonly failed: number;
  readonly unprocessed: number;
  readonly missing: number;
}

/** Results are kept (`done`), or the job is gone and its records must be looked at (`abandoned`). @throws {Failure} JOB_TAKEN_OVER */
export async function noteEnded(tx: Queryable, { jobNo, attempt }: WriteJob, state: 'done' | 'abandoned', counts: JobCounts): Promise<void> {
  const updated = await tx.query(sql`
    update write_job set state = ${state}, ok = ${counts.ok}, failed = ${counts.failed}, unprocessed = ${counts.unprocessed}, missing = ${counts.missing}
     where job_no = ${jobNo} and attempt = ${attempt} and state not in ('done', 'abandoned')`);
  if (updated.rowCount === 0) throw takenOver(jobNo);
}

/** Jobs of a run that Salesforce cannot have processed: nothing was handed over. */
export async function unsubmittedJobs(database: Queryable, run: string): Promise<readonly WriteJob[]> {
  const { rows } = await database.query<WriteJob>(sql`select ${columns} from write_job where run = ${run} and state in ('reserved', 'open')`);
  return rows;
}

/** Jobs of a run that Salesforce may be working on. */
export async function submittedJobs(database: Queryable, run: string): Promise<readonly WriteJob[]> {
  const { rows } = await database.query<WriteJob>(sql`select ${columns} from write_job where run = ${run} and state = 'submitted'`);
  return rows;
}

/** Jobs of runs that ended in good order and could not wait for them, for want of API calls. */
export async function jobsLeftBehind(database: Queryable): Promise<readonly WriteJob[]> {
  const { rows } = await database.query<WriteJob>(sql`
    select ${columns} from write_job w where state not in ('done', 'abandoned') and exists (select from run r where r.run = w.run and r.finished_at is not null and r.report is not null)`);
  return rows;
}

/** Ids of the jobs that the ledger knows: an Open job of ours that is not among them was lost between two steps. */
export async function knownJobIds(database: Queryable, sfJobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>(sql`select sf_job_id as id from write_job where sf_job_id = any(${sfJobIds})`);
  return new Set(rows.map(({ id }) => id));
}
