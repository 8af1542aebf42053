import { Failure } from '../domain/failure.ts';
import { knownJobIds } from '../ledger/write-jobs.ts';
import type { ApplyDependencies } from './dependencies.ts';

const orphanAfterMs = 60 * 60_000;

/** Aborts Open jobs of the sync's user that are older than an hour and that the ledger does not know: their ids were lost between two steps. Returns how many. */
export async function sweepOpenJobs(deps: ApplyDependencies, nowMs: number): Promise<number> {
  const old = (await deps.salesforce.listOpenIngestJobs()).filter(({ createdAt }) => Date.parse(createdAt) < nowMs - orphanAfterMs);
  const known = await knownJobIds(
    deps.database,
    old.map(({ jobId }) => jobId),
  );
  const orphans = old.filter(({ jobId }) => !known.has(jobId));
  for (const { jobId } of orphans) await abortIfPossible(deps, jobId);
  return orphans.length;
}

/** Aborts a job; one that cannot be aborted now does no harm: Salesforce never processes an Open job. */
export async function abortIfPossible({ salesforce }: ApplyDependencies, jobId: string): Promise<void> {
  try {
    await salesforce.abortIngest(jobId);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

/** Aborts a job; one that is gone or over already is as good. */
export async function abortJob({ salesforce }: ApplyDependencies, jobId: string): Promise<void> {
  try {
    await salesforce.abortIngest(jobId);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'permanent') throw error;
  }
}
