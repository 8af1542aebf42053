import { rm } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';
import { endedJobs, liveJob, noteEnded, noteOpened, noteSubmitted, reserveJob, unsubmittedJobs } from '../ledger/write-jobs.ts';
import type { WriteJob } from '../ledger/write-jobs.ts';
import { ruleOf } from '../salesforce/errorTable.ts';
import { deferBlocked } from './blocked.ts';
import { writeCsv } from './bulk-csv.ts';
import { sendByCollections } from './collections.ts';
import { readBack } from './confirm.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun, takePart } from './in-run.ts';
import { lookAgain } from './look-again.ts';
import { abortIfPossible, abortJob } from './open-jobs.ts';
import { targetIds } from './part-intents.ts';
import { crmObjectOf, loadPart, mostRecordsOfCollections } from './parts.ts';
import type { ApplyPart } from './parts.ts';
import { deferPlanned } from './row-outcomes.ts';
import { stoppedBy } from './stop.ts';

/** How often what a job left unprocessed is sent again. */
const mostJobs = 3;
const nothing = { ok: 0, failed: 0, unprocessed: 0, missing: 0 } as const;

/**
 * Brings a part's next Bulk job to the point where Salesforce works on it, and returns its number; null when nothing is left to send: call it again after each job's results. Every step is a commit: a repeat of
 * a reserved or open job starts it anew (an open one is aborted: whether its content arrived cannot be told), a submitted one is handed over again if need be. What earlier jobs left goes by
 * collections if it is little.
 */
export async function openBulkPart(
  deps: ApplyDependencies,
  run: ApplyContext,
  partNo: number,
  heartbeat: Heartbeat,
): Promise<{ readonly jobNo: number | null }> {
  const ctx = await takePart(deps.database, run, partNo);
  const part = await loadPart(deps.database, ctx.runNo, partNo);
  const live = await liveJob(deps.database, ctx.run, part.targetObject, partNo);
  if (live?.state === 'submitted') {
    await handOver(deps, live);
    return { jobNo: live.jobNo };
  }
  const opened = live?.sfJobId ?? null;
  if (opened !== null) await abortJob(deps, opened);
  const ended = await endedJobs(deps.database, ctx.run, part.targetObject, partNo);
  if (ended > 0 && !(await leftForAnotherJob(deps, ctx, part, ended, heartbeat))) return { jobNo: null };
  return openJob(deps, ctx, part, heartbeat);
}

/** Whether so much is left of a part that it takes a job; little is sent at once, and what three jobs did not process waits for the next night. */
async function leftForAnotherJob(deps: ApplyDependencies, ctx: ApplyContext, part: ApplyPart, ended: number, heartbeat: Heartbeat): Promise<boolean> {
  await lookAgain(deps, ctx, part, 'inDoubt', heartbeat);
  const left = await targetIds(deps.database, ctx, part, 'planned');
  if (left.length > mostRecordsOfCollections && ended < mostJobs) return true;
  if (left.length > mostRecordsOfCollections)
    await inRun(deps.database, ctx, async (tx) => {
      await deferPlanned(tx, ctx, part, null, 'unprocessed');
    });
  else if (left.length > 0) await sendByCollections(deps, ctx, part, heartbeat);
  await readBack(deps, ctx, part, heartbeat);
  return false;
}

async function openJob(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  heartbeat: Heartbeat,
): Promise<{ readonly jobNo: number | null }> {
  const { database, salesforce } = deps;
  const stopped = await stoppedBy(database, ctx.runNo);
  if (stopped !== null) {
    await inRun(database, ctx, (tx) => deferPlanned(tx, ctx, part, stopped, ruleOf(stopped).says));
    return { jobNo: null };
  }
  const job = await inRun(database, ctx, async (tx) => {
    await deferBlocked(tx, ctx, part);
    return reserveJob(tx, { run: ctx.run, object: part.targetObject, part: part.part, apiVersion: ctx.shape.settings.salesforce.apiVersion });
  });
  await lookAgain(deps, ctx, part, 'planned', heartbeat);
  const csv = await writeCsv(deps, ctx, part, `bulk-${job.jobNo}-${job.attempt}.csv`);
  try {
    if (csv.rows === 0) {
      await inRun(deps.database, ctx, (tx) => noteEnded(tx, job, 'done', nothing));
      return { jobNo: null };
    }
    const { jobId } = await salesforce.openIngest(crmObjectOf(part));
    try {
      await inRun(deps.database, ctx, (tx) => noteOpened(tx, job, { sfJobId: jobId, columns: csv.columns, rowsSent: csv.rows, sha256: csv.sha256 }));
      await salesforce.uploadIngest(jobId, csv.file);
      heartbeat();
      await inRun(deps.database, ctx, (tx) => noteSubmitted(tx, job));
    } catch (error) {
      if (error instanceof Failure && (error.code === 'JOB_TAKEN_OVER' || error.code === 'PART_TAKEN_OVER')) await abortJob(deps, jobId);
      throw error;
    }
    await salesforce.completeIngest(jobId);
  } finally {
    await rm(csv.file, { force: true });
  }
  return { jobNo: job.jobNo };
}

/** A submitted job may still be Open: the hand-over was lost. One that is gone is found out when its results are read. */
async function handOver({ salesforce }: ApplyDependencies, job: WriteJob): Promise<void> {
  if (job.sfJobId === null) return;
  try {
    const { state } = await salesforce.checkIngest(job.sfJobId);
    if (state === 'Open') await salesforce.completeIngest(job.sfJobId);
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'JOB_GONE')) throw error;
  }
}

/** When a run stops: jobs that were not handed over are aborted, their records stay planned. Salesforce never processes an Open job: one that cannot be aborted now does no harm. */
export async function abortOpenJobs(deps: ApplyDependencies, ctx: ApplyContext): Promise<number> {
  const jobs = await unsubmittedJobs(deps.database, ctx.run);
  for (const job of jobs) {
    if (job.sfJobId !== null) await abortIfPossible(deps, job.sfJobId);
    await inRun(deps.database, ctx, (tx) => noteEnded(tx, job, 'abandoned', nothing));
  }
  return jobs.length;
}
