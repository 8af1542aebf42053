import { readJson } from './body.ts';
import { startProcessing } from './bulk-ingest.ts';
import { ApiError } from './errors.ts';
import { isUnstuck, jobFaults } from './fault-rows.ts';
import { readIngestJob, saveIngestJob, shownIngestJob } from './ingest-jobs.ts';
import type { Call } from './router.ts';

/** GET jobs/ingest/{id} */
export function getIngestJob({ org, params }: Call): unknown {
  const job = readIngestJob(org, params['id'] ?? '');
  if (isUnstuck(job)) {
    saveIngestJob(org, job);
    if (job.jobFault === undefined) startProcessing(org, job.id);
  }
  return shownIngestJob(job);
}

/** PATCH jobs/ingest/{id}: UploadComplete starts the work, Aborted ends it. */
export async function changeIngestJob({ org, params, request, fault }: Call): Promise<unknown> {
  const { state } = await readJson(request);
  const job = readIngestJob(org, params['id'] ?? '');
  const invalid = (): ApiError => new ApiError(400, 'INVALIDJOBSTATE', `Transition from ${job.state} to ${String(state)} is not allowed`);
  if (state === 'UploadComplete') {
    if (job.state !== 'Open') throw invalid();
    if (!job.uploaded) throw new ApiError(400, 'INVALIDJOBSTATE', 'The job has no content: upload it before the state is set to UploadComplete');
    Object.assign(job, { state: 'UploadComplete', ...jobFaults(fault) });
    saveIngestJob(org, job);
    startProcessing(org, job.id);
  } else if (state === 'Aborted') {
    if (!['Open', 'UploadComplete', 'InProgress'].includes(job.state)) throw invalid();
    job.state = 'Aborted';
    saveIngestJob(org, job);
  } else throw invalid();
  return shownIngestJob(job);
}
