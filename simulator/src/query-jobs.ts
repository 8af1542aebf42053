import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from './body.ts';
import { ApiError, notFound } from './errors.ts';
import type { JobFaults } from './fault-rows.ts';
import { normaliseId } from './ids.ts';
import type { Org } from './org.ts';
import type { Call } from './router.ts';

/** A Bulk 2.0 query job as it is stored: what the API shows, and what the results need. */
export type QueryJob = JobFaults & {
  readonly id: string;
  readonly operation: 'query' | 'queryAll';
  readonly object: string;
  readonly createdById: string;
  readonly createdDate: string;
  readonly query: string;
  readonly apiVersion: number;
  readonly lineEnding: 'LF' | 'CRLF';
  readonly columnDelimiter: string;
  state: 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';
  systemModstamp: string;
  rows: number;
  totalProcessingTime: number;
  errorMessage?: string;
};

export const queryDelimiters: Record<string, string> = { COMMA: ',', TAB: '\t', PIPE: '|', SEMICOLON: ';', CARET: '^', BACKQUOTE: '`' };
export const apiVersionOf = (call: Call): number => Number((call.params['v'] ?? '').replace(/^v/i, ''));
export const timeOf = (org: Org): string => new Date(org.nowMs()).toISOString().replace('Z', '+0000');
export const quoteCell = (text: string): string => `"${text.replace(/"/g, '""')}"`;

export function saveQueryJob(org: Org, job: QueryJob): void {
  org.store
    .sql('insert into query_jobs (id, seq, job) values (?, ?, ?) on conflict (id) do update set job = excluded.job')
    .run(job.id, 0, JSON.stringify(job));
}

/** @throws {ApiError} NOT_FOUND */
export function readQueryJob(org: Org, id: string): QueryJob {
  const row = org.store.sql('select job from query_jobs where id = ?').get(normaliseId(id) ?? id);
  if (row === undefined) throw notFound();
  return JSON.parse(String(row['job'])) as QueryJob;
}

export const resultFiles = (org: Org, id: string): { data: string; offsets: string } => {
  const base = join(org.store.directory, 'results', id);
  return { data: `${base}.csv`, offsets: `${base}.off` };
};

export function shownQueryJob(job: QueryJob): Record<string, unknown> {
  const { rows, errorMessage, totalProcessingTime, jobFault: _jobFault, rowFault: _rowFault, ...rest } = job;
  return {
    ...rest,
    apiVersion: job.apiVersion,
    jobType: 'V2Query',
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    numberRecordsProcessed: rows,
    retries: 0,
    totalProcessingTime,
    isPkChunkingSupported: true,
    ...(errorMessage === undefined ? {} : { errorMessage }),
  };
}

export function listQueryJobs({ org }: Call): unknown {
  const rows = org.store.sql('select job from query_jobs order by id desc limit 1000').all();
  return { done: true, records: rows.map((row) => shownQueryJob(JSON.parse(String(row['job'])) as QueryJob)), nextRecordsUrl: null };
}

/** PATCH jobs/query/{id} `{state: 'Aborted'}` */
export async function abortQueryJob({ org, params, request }: Call): Promise<unknown> {
  const body = await readJson(request);
  const job = readQueryJob(org, params['id'] ?? '');
  if (body['state'] !== 'Aborted') throw new ApiError(400, 'INVALIDJOBSTATE', 'A query job can only be changed to Aborted');
  if (job.state !== 'UploadComplete' && job.state !== 'InProgress')
    throw new ApiError(400, 'INVALIDJOBSTATE', `Job cannot be aborted in state ${job.state}`);
  Object.assign(job, { state: 'Aborted', systemModstamp: timeOf(org) });
  saveQueryJob(org, job);
  return shownQueryJob(job);
}

/** The job and its results away. */
export function dropQueryJob(org: Org, id: string): void {
  org.store.sql('delete from query_jobs where id = ?').run(id);
  const { data, offsets } = resultFiles(org, id);
  for (const file of [data, offsets]) if (statSync(file, { throwIfNoEntry: false }) !== undefined) rmSync(file);
}

export function deleteQueryJob({ org, params }: Call): undefined {
  const job = readQueryJob(org, params['id'] ?? '');
  if (job.state === 'UploadComplete' || job.state === 'InProgress') throw new ApiError(400, 'API_ERROR', 'The job is still in progress');
  dropQueryJob(org, job.id);
}
