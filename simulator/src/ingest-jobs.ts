import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './body.ts';
import { ApiError, notFound } from './errors.ts';
import { jobFaults } from './fault-rows.ts';
import type { JobFaults } from './fault-rows.ts';
import { idFromNumber, normaliseId } from './ids.ts';
import type { Org } from './org.ts';
import { Reply } from './router.ts';
import type { Call } from './router.ts';
import { runHeader } from './saver.ts';

export type IngestState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';
/** A Bulk 2.0 ingest job as it is stored. */
export type IngestJob = JobFaults & {
  readonly id: string;
  readonly operation: 'insert' | 'update' | 'delete' | 'hardDelete';
  readonly object: string;
  readonly createdById: string;
  readonly createdDate: string;
  readonly lineEnding: 'LF' | 'CRLF';
  readonly columnDelimiter: string;
  readonly apiVersion: number;
  /** The run that its rows are counted for. */
  readonly run?: string;
  state: IngestState;
  systemModstamp: string;
  uploaded: boolean;
  processed: number;
  failed: number;
  /** Worked on or left out, and in no result file. */
  lost?: number;
  processingMs: number;
  errorMessage?: string;
};

export const ingestDelimiters: Record<string, string> = { COMMA: ',', TAB: '\t', PIPE: '|', SEMICOLON: ';', CARET: '^', BACKQUOTE: '`' };
const timeOf = (org: Org): string => new Date(org.nowMs()).toISOString().replace('Z', '+0000');

export function saveIngestJob(org: Org, job: IngestJob): void {
  job.systemModstamp = timeOf(org);
  org.store
    .sql('insert into ingest_jobs (id, seq, job) values (?, 0, ?) on conflict (id) do update set job = excluded.job')
    .run(job.id, JSON.stringify(job));
}

/** @throws {ApiError} NOT_FOUND */
export function readIngestJob(org: Org, id: string): IngestJob {
  const row = org.store.sql('select job from ingest_jobs where id = ?').get(normaliseId(id) ?? id);
  if (row === undefined) throw notFound();
  return JSON.parse(String(row['job'])) as IngestJob;
}

export const uploadFile = (org: Org, id: string): string => join(org.store.directory, 'uploads', `${id}.csv`);

export function shownIngestJob(job: IngestJob): Record<string, unknown> {
  const {
    uploaded: _uploaded,
    processed,
    failed,
    lost = 0,
    processingMs,
    errorMessage,
    jobFault: _jobFault,
    rowFault: _rowFault,
    run: _run,
    ...rest
  } = job;
  return {
    ...rest,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    jobType: 'V2Ingest',
    contentUrl: `services/data/v${job.apiVersion.toFixed(1)}/jobs/ingest/${job.id}/batches`,
    numberRecordsProcessed: processed - lost,
    numberRecordsFailed: failed,
    retries: 0,
    totalProcessingTime: processingMs,
    apiActiveProcessingTime: processingMs,
    apexProcessingTime: 0,
    ...(errorMessage === undefined ? {} : { errorMessage }),
  };
}

/** POST jobs/ingest */
export async function createIngestJob(call: Call): Promise<unknown> {
  const { org } = call;
  const body = await readJson(call.request);
  const operation = String(body['operation']);
  if (operation !== 'insert' && operation !== 'update' && operation !== 'delete' && operation !== 'hardDelete')
    throw new ApiError(400, 'INVALIDJOB', `Unsupported operation: ${operation}`);
  const type = org.store.type(String(body['object']));
  if (type === undefined || !type.writable) throw new ApiError(400, 'INVALIDENTITY', `Unable to find object: ${String(body['object'])}`);
  const columnDelimiter = String(body['columnDelimiter'] ?? 'COMMA');
  const lineEnding = String(body['lineEnding'] ?? 'LF');
  if (ingestDelimiters[columnDelimiter] === undefined) throw new ApiError(400, 'INVALIDJOB', `Invalid columnDelimiter: ${columnDelimiter}`);
  if (lineEnding !== 'LF' && lineEnding !== 'CRLF') throw new ApiError(400, 'INVALIDJOB', `Invalid lineEnding: ${lineEnding}`);
  if (body['contentType'] !== undefined && body['contentType'] !== 'CSV') throw new ApiError(400, 'INVALIDJOB', 'contentType must be CSV');
  const job: IngestJob = {
    id: idFromNumber('750', org.store.nextNumber('job')),
    operation,
    object: type.name,
    createdById: org.credentials.userId,
    createdDate: timeOf(org),
    systemModstamp: '',
    state: 'Open',
    lineEnding,
    columnDelimiter,
    apiVersion: Number((call.params['v'] ?? '').slice(1)),
    uploaded: false,
    processed: 0,
    failed: 0,
    processingMs: 0,
    ...jobFaults(call.fault),
    ...runHeader(call),
  };
  saveIngestJob(org, job);
  return shownIngestJob(job);
}

/** After PUT jobs/ingest/{id}/batches has kept the content. */
export const uploadedReply = (): Reply => new Reply(201);

export function listIngestJobs({ org }: Call): unknown {
  const rows = org.store.sql('select job from ingest_jobs order by id desc limit 1000').all();
  return { done: true, records: rows.map((row) => shownIngestJob(JSON.parse(String(row['job'])) as IngestJob)), nextRecordsUrl: null };
}

/** DELETE jobs/ingest/{id} */
export function deleteIngestJob({ org, params }: Call): undefined {
  const job = readIngestJob(org, params['id'] ?? '');
  if (job.state === 'UploadComplete' || job.state === 'InProgress')
    throw new ApiError(400, 'INVALIDJOBSTATE', 'A job in progress cannot be deleted: abort it first');
  dropIngestJob(org, job.id);
}

/** The job, its content and its results away. */
export function dropIngestJob(org: Org, id: string): void {
  org.store.transaction(() => {
    org.store.sql('delete from ingest_rows where job = ?').run(id);
    org.store.sql('delete from ingest_jobs where id = ?').run(id);
  });
  if (existsSync(uploadFile(org, id))) rmSync(uploadFile(org, id));
}
