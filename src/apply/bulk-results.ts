import { Failure } from '../domain/failure.ts';
import { loadJob, noteEnded } from '../ledger/write-jobs.ts';
import type { JobCounts, WriteJob } from '../ledger/write-jobs.ts';
import { sql } from '../postgres/sql.ts';
import type { IngestState, Salesforce } from '../salesforce/side.ts';
import { keepSent, readBack } from './confirm.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun, takePart } from './in-run.ts';
import { lookAgain } from './look-again.ts';
import { targetIds } from './part-intents.ts';
import { loadPart } from './parts.ts';
import type { ApplyPart } from './parts.ts';
import { keepRowOutcomes, rowOutcome } from './row-outcomes.ts';
import type { RowOutcome } from './row-outcomes.ts';

export type BulkState = { readonly state: 'running' } | { readonly state: 'ended' };

/** Whether the job is over, however it ended. A job that was not handed over is now. Throws API_VERSION_MISMATCH (409). */
export async function checkBulkPart({ database, salesforce }: ApplyDependencies, jobNo: number): Promise<BulkState> {
  const job = await loadJob(database, jobNo);
  if (job.state !== 'submitted' || job.sfJobId === null) return { state: 'ended' };
  const state = await stateOf(salesforce, job.sfJobId);
  if (state === 'Open') await salesforce.completeIngest(job.sfJobId);
  return { state: state === 'Open' || state === 'UploadComplete' || state === 'InProgress' ? 'running' : 'ended' };
}

async function stateOf(salesforce: Salesforce, sfJobId: string): Promise<IngestState | 'gone'> {
  try {
    return (await salesforce.checkIngest(sfJobId)).state;
  } catch (error) {
    if (error instanceof Failure && error.code === 'JOB_GONE') return 'gone';
    throw error;
  }
}

/** What the three result files say, by id. */
interface Results {
  readonly rows: ReadonlyMap<string, RowOutcome | 'unprocessed'>;
}

/**
 * Reads a job's results and keeps them in one commit: outcomes of all records, and the job as `done`. Records that no file names are looked at: as wanted they are applied, else they wait for the next night
 * (`dailyBatches`). Of a job that is gone all are looked at. Then what was written is read back. A repeat goes on. `rest`: something is still planned, the next `openBulkPart` sends it.
 */
export async function readBulkPart(
  deps: ApplyDependencies,
  run: ApplyContext,
  jobNo: number,
  heartbeat: Heartbeat,
): Promise<{ readonly records: number; readonly rest: boolean }> {
  const ctx = await takePart(deps.database, run, (await loadJob(deps.database, jobNo)).part);
  const job = await loadJob(deps.database, jobNo);
  const part = await loadPart(deps.database, ctx.runNo, job.part);
  const ended = job.state === 'submitted' && job.sfJobId !== null ? await keepResults(deps, ctx, part, job, heartbeat) : job.state;
  await lookAgain(deps, ctx, part, 'inDoubt', heartbeat, ended === 'abandoned' ? null : 'dailyBatches');
  await readBack(deps, ctx, part, heartbeat);
  return { records: job.rowsSent, rest: (await targetIds(deps.database, ctx, part, 'planned')).length > 0 };
}

async function keepResults(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  job: WriteJob,
  heartbeat: Heartbeat,
): Promise<'done' | 'abandoned'> {
  const sfJobId = job.sfJobId as string;
  const state = await stateOf(deps.salesforce, sfJobId);
  const sent = new Set(await targetIds(deps.database, ctx, part, 'planned'));
  const results = state === 'gone' ? null : await readResults(deps.salesforce, sfJobId, sent, heartbeat);
  const missing = results === null ? [...sent] : [...sent].filter((id) => !results.rows.has(id));
  const outcomes =
    results === null ? [] : [...results.rows].map(([id, row]): RowOutcome => (row === 'unprocessed' ? unprocessedOf(id, state === 'Aborted') : row));
  const left = missing.map((id): RowOutcome => ({ id, outcome: 'deferred', code: null, reason: 'abortedInSalesforce' }));
  const counts = countsOf(results, missing.length);
  await inRun(deps.database, ctx, async (tx) => {
    await keepRowOutcomes(tx, ctx, part, state === 'Aborted' ? [...outcomes, ...left] : outcomes);
    await keepSent(tx, ctx, part, null);
    if (state !== 'Aborted')
      await tx.query(sql`
        update intent_set set sending = true
         where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null and target_id = any(${missing})`);
    await noteEnded(tx, job, results === null ? 'abandoned' : 'done', counts);
  });
  return results === null ? 'abandoned' : 'done';
}

function unprocessedOf(id: string, aborted: boolean): RowOutcome {
  return aborted ? { id, outcome: 'deferred', code: null, reason: 'abortedInSalesforce' } : { id, outcome: 'again', code: null, reason: null };
}

function countsOf(results: Results | null, missing: number): JobCounts {
  const rows = [...(results?.rows.values() ?? [])];
  const ok = rows.filter((row) => row !== 'unprocessed' && row.outcome === 'applied').length;
  const unprocessed = rows.filter((row) => row === 'unprocessed').length;
  return { ok, unprocessed, failed: rows.length - ok - unprocessed, missing };
}

/** Null if the job has gone meanwhile. Throws RESULTS_INCONSISTENT for an id that comes twice or was not sent: then nothing is kept. */
async function readResults(salesforce: Salesforce, sfJobId: string, sent: ReadonlySet<string>, heartbeat: Heartbeat): Promise<Results | null> {
  const rows = new Map<string, RowOutcome | 'unprocessed'>();
  try {
    for (const kind of ['successful', 'failed', 'unprocessed'] as const) {
      for await (const { id, error } of salesforce.readIngestResults(sfJobId, kind)) {
        if (rows.has(id) || !sent.has(id)) throw inconsistent(sfJobId, rows.has(id) ? 'name a record twice' : 'name a record that was not sent');
        rows.set(id, kind === 'unprocessed' ? 'unprocessed' : rowOutcome(id, error === undefined ? { ok: true } : { ok: false, ...error }));
        if (rows.size % 1_000 === 0) heartbeat();
      }
      heartbeat();
    }
  } catch (error) {
    if (error instanceof Failure && error.code === 'JOB_GONE') return null;
    throw error;
  }
  return { rows };
}

function inconsistent(sfJobId: string, what: string): Failure {
  return new Failure(`the results of Bulk job ${sfJobId} ${what}`, {
    kind: 'permanent',
    code: 'RESULTS_INCONSISTENT',
    remedy: 'look at the job in Salesforce (Setup, Bulk Data Load Jobs); the next run reads what came of it',
  });
}
